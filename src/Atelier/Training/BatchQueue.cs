using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Atelier.Data;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// Prepares the next batches on a separate thread while the device computes the current step. It prepares several
/// batches at once, because on a CPU with few cores a thread that wakes at each step makes the threads of the tensor
/// library wait. For a device with its own memory, batches are copied there in advance.
/// </summary>
internal sealed class BatchQueue<TBatch> : IDisposable
{
    private const int Ahead = 16; // batches
    private readonly BlockingCollection<(long Number, TBatch Batch)> _ready = [];
    private readonly SemaphoreSlim _wanted = new(Ahead);
    private readonly CancellationTokenSource _stop = new();
    private readonly Device _device;
    private readonly Thread _thread;
    private ExceptionDispatchInfo? _failure;
    private (long Number, TBatch Batch)? _held;
    private long _taken;

    /// <summary>Starts to prepare batches.</summary>
    /// <param name="source">The source of batches; called only from the thread of the queue.</param>
    /// <param name="numbers">The numbers of the batches in the order in which they will be taken, without end.</param>
    /// <param name="device">The device that uses the batches.</param>
    public BatchQueue(IBatchSource<TBatch> source, IEnumerable<long> numbers, Device device)
    {
        _device = device;
        _thread = new Thread(() => Prepare(source, numbers)) { IsBackground = true, Name = "batches" };
        _thread.Start();
    }

    /// <summary>
    /// Returns the batch with a given number, which must be the last or the next one. The queue owns the batch, and
    /// disposes it when the next one is taken.
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
        catch (InvalidOperationException) when (_failure is not null) // preparing failed and completed the queue
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
            // The queue was disposed.
        }
#pragma warning disable CA1031 // the training thread throws any exception again when it takes the batch
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
