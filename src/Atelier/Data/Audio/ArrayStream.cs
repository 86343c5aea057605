namespace Atelier.Data.Audio;

/// <summary>Reads a sound that is in memory.</summary>
/// <param name="samples">Interleaved samples.</param>
/// <param name="sampleRate">Frames per second.</param>
/// <param name="channels">The number of channels.</param>
internal sealed class ArrayStream(float[] samples, int sampleRate, int channels) : ISampleStream
{
    private int _at;

    /// <inheritdoc/>
    public int SampleRate => sampleRate;

    /// <inheritdoc/>
    public int Channels => channels;

    /// <inheritdoc/>
    public string? Fault => null;

    /// <inheritdoc/>
    public int Read(Span<float> target)
    {
        int count = Math.Min(target.Length / channels * channels, samples.Length - _at);
        samples.AsSpan(_at, count).CopyTo(target);
        _at += count;
        return count / channels;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Nothing is held.
    }
}
