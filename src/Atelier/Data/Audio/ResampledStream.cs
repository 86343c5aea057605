using System.Numerics;

namespace Atelier.Data.Audio;

/// <summary>
/// Converts a sound to another sample rate with a polyphase filter of finite length (Crochiere and Rabiner 1983). The
/// pass band, up to 0.9 times half the lower of both rates, is flat to 0.001 dB; above half the lower rate, sound is
/// attenuated by 100 dB. The delay of the filter is removed, so that sample n stands for the time n / rate.
/// </summary>
internal sealed class ResampledStream : ISampleStream
{
    private const int Block = 4096; // frames that are read at once
    private const long MostCoefficients = 1 << 25; // two unusual rates with no common divisor need very many
    private readonly ISampleStream _source;
    private readonly int _up, _down, _taps, _before;
    private readonly float[] _filters; // [phase, tap]
    private readonly float[] _incoming;
    private float[][] _held; // [channel, frame]: the input from the frame _first on
    private long _first, _end, _next;
    private bool _isEnded;

    /// <summary>Creates the stream, which disposes the source with itself.</summary>
    /// <param name="source">The sound.</param>
    /// <param name="sampleRate">The frames per second of the result.</param>
    private ResampledStream(ISampleStream source, int sampleRate)
    {
        _source = source;
        SampleRate = sampleRate;
        int divisor = (int)BigInteger.GreatestCommonDivisor(sampleRate, source.SampleRate);
        (_up, _down) = (sampleRate / divisor, source.SampleRate / divisor);
        double edge = Math.Min(1, (double)sampleRate / source.SampleRate);
        _before = (int)Math.Ceiling(KaiserFilter.HalfLength / edge);
        _taps = 2 * _before;
        if ((long)_up * _taps > MostCoefficients)
            throw new AtelierException($"its sample rate of {source.SampleRate} Hz cannot be converted to {sampleRate} Hz",
                hint: "convert it to a usual sample rate first");
        _filters = new float[_up * _taps];
        for (int phase = 0; phase < _up; phase++)
        {
            for (int tap = 0; tap < _taps; tap++)
            {
                // The output lies phase / up after the input frame number before − 1.
                double time = ((double)phase / _up) + _before - 1 - tap;
                _filters[(phase * _taps) + tap] = (float)KaiserFilter.Response(time, edge);
            }
        }
        _incoming = new float[Block * Channels];
        _first = 1 - _before; // silence before the beginning
        _held = [.. Enumerable.Range(0, Channels).Select(_ => new float[_before - 1])];
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
        source.SampleRate == sampleRate ? source : new ResampledStream(source, sampleRate);

    /// <inheritdoc/>
    public int Read(Span<float> samples)
    {
        int done = 0, wanted = samples.Length / Channels;
        for (; done < wanted; done++, _next++)
        {
            (long at, long phase) = Math.DivRem(_next * _down, _up);
            while (!_isEnded && _first + _held[0].Length < at + 1 + _before)
                Fetch();
            if (_isEnded && at >= _end)
                break; // as many outputs as lie before the end of the input
            int from = (int)(at - _before + 1 - _first);
            ReadOnlySpan<float> filter = _filters.AsSpan((int)phase * _taps, _taps);
            for (int channel = 0; channel < Channels; channel++)
                samples[(done * Channels) + channel] = Dot(filter, _held[channel].AsSpan(from, _taps));
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
        int added = _isEnded ? _taps : read; // silence after the end
        int dropped = (int)Math.Clamp((_next * _down / _up) - _before + 1 - _first, 0, _held[0].Length);
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

    private static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Vector<float> sums = Vector<float>.Zero;
        int i = 0;
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
            sums += new Vector<float>(x[i..]) * new Vector<float>(y[i..]);
        float sum = Vector.Sum(sums);
        for (; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }
}
