using System.Collections.Concurrent;

namespace Atelier.Data.Video;

/// <summary>Decodes frames in advance on another thread, at most a few tens of them.</summary>
internal sealed class ReadAheadFrames : IFrameStream
{
    private const int MostFrames = 32;

    private readonly BlockingCollection<byte[]> _frames = new(MostFrames);
    private readonly CancellationTokenSource _stop;
    private readonly Task _reader;
    private string? _fault;

    /// <summary>Starts to read frames.</summary>
    /// <param name="open">Opens the frames, on the other thread.</param>
    /// <param name="size">The number of values of a frame.</param>
    /// <param name="cancellation">Cancels reading.</param>
    public ReadAheadFrames(Func<CancellationToken, IFrameStream> open, int size, CancellationToken cancellation)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _reader = Task.Run(() =>
        {
            try
            {
                using IFrameStream source = open(_stop.Token);
                for (byte[] frame = new byte[size]; source.Read(frame); frame = new byte[size])
                    _frames.Add(frame, _stop.Token);
                _fault = source.Fault;
            }
            finally
            {
                _frames.CompleteAdding();
            }
        }, CancellationToken.None);
    }

    /// <inheritdoc/>
    public string? Fault => _fault;

    /// <inheritdoc/>
    /// <exception cref="AtelierException">The frames cannot be opened.</exception>
    public bool Read(Span<byte> frame)
    {
        if (_frames.TryTake(out byte[]? next, Timeout.Infinite))
        {
            next.CopyTo(frame);
            return true;
        }
        _reader.GetAwaiter().GetResult(); // throws what the reader threw
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        ((IAsyncResult)_reader).AsyncWaitHandle.WaitOne();
        _ = _reader.Exception; // a reader that was stopped has nothing to report
        _frames.Dispose();
        _stop.Dispose();
    }
}
