namespace Atelier.Data.Audio;

/// <summary>
/// Mixes the channels of a sound to one or two. Channels have the usual order of WAV files (left, right, centre, low
/// frequencies, back, side); centre and surround channels are added at −3 dB as in ITU-R BS.775, low frequencies are
/// left out, and the sum is scaled so that it cannot exceed full scale.
/// </summary>
internal sealed class MixedStream : ISampleStream
{
    private const float MinusThreeDecibels = 0.70710678f;

    // The side of each channel: L and R front, C centre, l and r surround, s surround centre, F low frequencies.
    private static readonly string[] Layouts = ["", "C", "LR", "LRC", "LRlr", "LRClr", "LRCFlr", "LRCFslr", "LRCFlrlr"];

    private readonly ISampleStream _source;
    private readonly float[][] _weights; // [output channel][input channel]
    private float[] _incoming = [];

    private MixedStream(ISampleStream source, int channels)
    {
        _source = source;
        Channels = channels;
        float[][] sides = [Weights(source.Channels, "Ll"), Weights(source.Channels, "Rr")];
        _weights = channels == 2 ? sides : [[.. sides[0].Zip(sides[1], (left, right) => (left + right) / 2)]];
    }

    /// <inheritdoc/>
    public int SampleRate => _source.SampleRate;

    /// <inheritdoc/>
    public int Channels { get; }

    /// <inheritdoc/>
    public string? Fault => _source.Fault;

    /// <summary>Returns a sound with one or two channels, or the sound itself if it has that number.</summary>
    /// <param name="source">The sound, which is disposed with the result.</param>
    /// <param name="channels">1 or 2. A single channel becomes both of two.</param>
    public static ISampleStream Of(ISampleStream source, int channels) =>
        source.Channels == channels ? source : new MixedStream(source, channels);

    /// <inheritdoc/>
    public int Read(Span<float> samples)
    {
        int frames = samples.Length / Channels;
        if (_incoming.Length < frames * _source.Channels)
            _incoming = new float[frames * _source.Channels];
        int read = _source.Read(_incoming.AsSpan(0, frames * _source.Channels));
        for (int i = 0; i < read; i++)
        {
            ReadOnlySpan<float> frame = _incoming.AsSpan(i * _source.Channels, _source.Channels);
            for (int channel = 0; channel < Channels; channel++)
            {
                float sum = 0;
                for (int from = 0; from < frame.Length; from++)
                    sum += frame[from] * _weights[channel][from];
                samples[(i * Channels) + channel] = sum;
            }
        }
        return read;
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    private static float[] Weights(int channels, string side)
    {
        string layout = channels < Layouts.Length ? Layouts[channels] : new string('C', channels);
        float[] weights = [.. layout.Select(kind => kind switch
        {
            'F' => 0,
            'C' or 's' => MinusThreeDecibels,
            _ when kind == side[0] => 1,
            _ when kind == side[1] => MinusThreeDecibels,
            _ => 0,
        })];
        float sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }
}
