using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Atelier.Data;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// Prepares the next batches on a separate thread while the device computes the present step. It prepares several at
/// once, since on a CPU with few cores a thread that wakes at each step makes the tensor library's threads wait.
/// Batches for a device with its own memory are copied there in advance.
/// </summary>
internal sealed class BatchQueue<TBatch> : IDisposable
{
    private const int Ahead = 16;
    private readonly BlockingCollection<(long Number, TBatch Batch)> _ready = [];
    private readonly SemaphoreSlim _wanted = new(Ahead);
    private readonly CancellationTokenSource _stop = new();
    private readonly Device _device;
    private readonly Thread _thread;
    private ExceptionDispatchInfo? _failure;
    private (long Number, TBatch Batch)? _held;
    private long _taken;

    /// <summary>Begins to prepare.</summary>
    /// <param name="source">Where batches come from; called from the queue's thread alone.</param>
    /// <param name="numbers">The batches in the order they will be taken, without end.</param>
    /// <param name="device">Where they are wanted.</param>
    public BatchQueue(IBatchSource<TBatch> source, IEnumerable<long> numbers, Device device)
    {
        _device = device;
        _thread = new Thread(() => Prepare(source, numbers)) { IsBackground = true, Name = "batches" };
        _thread.Start();
    }

    /// <summary>
    /// The batch of that number: the one taken last, or the next. It stays the queue's, until another is taken.
    /// </summary>
    public TBatch Take(long number)
    {
        if (_held is { } held && held.Number == number)
            return held.Batch;
        using TimedOperation timed = TimedOperation.Begin("batch");
        Release(_held);
        _held = null;
        try
        {
            _held = _ready.Take();
            if (++_taken % (Ahead / 2) == 0)
                _wanted.Release(Ahead / 2);
        }
        catch (InvalidOperationException) when (_failure is not null) // the queue is completed, since preparing failed
        {
            _failure.Throw();
        }
        return _held!.Value.Number == number
            ? _held.Value.Batch
            : throw new InvalidOperationException($"batch {number} was asked for, {_held.Value.Number} is next");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        Release(_held);
        while (_ready.TryTake(out (long, TBatch) left))
            Release(left);
        _ready.Dispose();
        _wanted.Dispose();
        _stop.Dispose();
    }

    private void Prepare(IBatchSource<TBatch> source, IEnumerable<long> numbers)
    {
        try
        {
            long last = -1;
            foreach (long number in numbers)
            {
                if (number != last)
                {
                    _wanted.Wait(_stop.Token);
                    using (TimedOperation.Begin("prepare batch"))
                        _ready.Add((number, Send(source.Get(number))), _stop.Token);
                }
                else if (_stop.IsCancellationRequested)
                    break;
                last = number;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed: nobody takes any more.
        }
#pragma warning disable CA1031 // whatever it is, the learning thread throws it again where it asks for the batch
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
        _ready.CompleteAdding();
    }

    private TBatch Send(TBatch batch)
    {
        if (_device.type == DeviceType.CPU || batch is not IMovableBatch<TBatch> movable)
            return batch;
        TBatch sent = movable.Move(tensor => ComputeDevice.SendAhead(tensor, _device));
        (batch as IDisposable)?.Dispose();
        return sent;
    }

    private static void Release((long Number, TBatch Batch)? entry)
    {
        if (entry is { Batch: IDisposable batch })
            batch.Dispose();
    }
}
