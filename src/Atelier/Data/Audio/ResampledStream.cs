namespace Atelier.Data.Audio;

/// <summary>
/// Converts a sound to another sample rate with a <see cref="PolyphaseFilter"/>. The delay of the filter is removed, so
/// that sample n stands for the time n / rate.
/// </summary>
internal sealed class ResampledStream : ISampleStream
{
    private const int Block = 4096; // frames that are read at once
    private readonly ISampleStream _source;
    private readonly PolyphaseFilter _filter;
    private readonly float[] _incoming;
    private float[][] _held; // [channel, frame]: the input from the frame _first on
    private long _first, _end, _next;
    private bool _isEnded;

    private ResampledStream(ISampleStream source, int sampleRate, PolyphaseFilter filter)
    {
        (_source, SampleRate, _filter) = (source, sampleRate, filter);
        _incoming = new float[Block * Channels];
        _first = 1 - filter.Before; // silence before the beginning
        _held = [.. Enumerable.Range(0, Channels).Select(_ => new float[filter.Before - 1])];
    }

    /// <inheritdoc/>
    public int SampleRate { get; }

    /// <inheritdoc/>
    public int Channels => _source.Channels;

    /// <inheritdoc/>
    public string? Fault => _source.Fault;

    /// <summary>Returns a sound at a sample rate, or the sound itself if it has that rate.</summary>
    /// <param name="source">The sound, which is disposed with the result.</param>
    /// <param name="sampleRate">Frames per second.</param>
    /// <exception cref="AtelierException">The rates have no large common divisor, so that the filter would be too
    /// large.</exception>
    public static ISampleStream Of(ISampleStream source, int sampleRate) =>
        source.SampleRate == sampleRate ? source
            : new ResampledStream(source, sampleRate, new PolyphaseFilter(source.SampleRate, sampleRate));

    /// <summary>Returns a sound played faster or slower, at its own sample rate.</summary>
    /// <param name="source">The sound, which is disposed with the result.</param>
    /// <param name="filter">The filter, whose Down / Up is how many times as fast.</param>
    public static ISampleStream AtSpeed(ISampleStream source, PolyphaseFilter filter) =>
        new ResampledStream(source, source.SampleRate, filter);

    /// <inheritdoc/>
    public int Read(Span<float> samples)
    {
        int done = 0, wanted = samples.Length / Channels;
        for (; done < wanted; done++, _next++)
        {
            (long at, long phase) = Math.DivRem(_next * _filter.Down, _filter.Up);
            while (!_isEnded && _first + _held[0].Length < at + 1 + _filter.Before)
                Fetch();
            if (_isEnded && at >= _end)
                break; // as many outputs as lie before the end of the input
            int from = (int)(at - _filter.Before + 1 - _first);
            for (int channel = 0; channel < Channels; channel++)
                samples[(done * Channels) + channel] =
                    _filter.Apply((int)phase, _held[channel].AsSpan(from, _filter.Taps));
        }
        return done;
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    /// <summary>Reads a block, and drops the frames that no further output needs.</summary>
    private void Fetch()
    {
        int read = _source.Read(_incoming);
        _isEnded = read == 0;
        if (_isEnded)
            _end = _first + _held[0].Length;
        int added = _isEnded ? _filter.Taps : read; // silence after the end
        long needed = (_next * _filter.Down / _filter.Up) - _filter.Before + 1;
        int dropped = (int)Math.Clamp(needed - _first, 0, _held[0].Length);
        for (int channel = 0; channel < Channels; channel++)
        {
            float[] old = _held[channel];
            var held = new float[old.Length - dropped + added];
            old.AsSpan(dropped).CopyTo(held);
            for (int i = 0; i < read; i++)
                held[old.Length - dropped + i] = _incoming[(i * Channels) + channel];
            _held[channel] = held;
        }
        _first += dropped;
    }
}
