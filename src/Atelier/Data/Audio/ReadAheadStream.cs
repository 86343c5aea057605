using System.Runtime.InteropServices;

namespace Atelier.Data.Audio;

/// <summary>Reads the beginning of a sound in advance, so that several sounds can be decoded at once.</summary>
internal sealed class ReadAheadStream : ISampleStream
{
    private const int MostFrames = 1 << 20, BlockFrames = 1 << 14;

    private readonly ISampleStream _source;
    private readonly List<float> _head = [];
    private readonly bool _isWhole;
    private int _at;

    /// <summary>Reads up to a million frames of a sound, which is disposed with the stream.</summary>
    /// <param name="source">The sound.</param>
    public ReadAheadStream(ISampleStream source)
    {
        _source = source;
        var block = new float[BlockFrames * source.Channels];
        while (!_isWhole && _head.Count < MostFrames * source.Channels)
        {
            int read = source.Read(block);
            _isWhole = read == 0;
            _head.AddRange(block.AsSpan(0, read * source.Channels));
        }
    }

    /// <inheritdoc/>
    public int SampleRate => _source.SampleRate;

    /// <inheritdoc/>
    public int Channels => _source.Channels;

    /// <inheritdoc/>
    public string? Fault => _source.Fault;

    /// <inheritdoc/>
    public int Read(Span<float> samples)
    {
        int count = Math.Min(samples.Length / Channels * Channels, _head.Count - _at);
        if (count == 0)
            return _isWhole ? 0 : _source.Read(samples);
        CollectionsMarshal.AsSpan(_head).Slice(_at, count).CopyTo(samples);
        _at += count;
        return count / Channels;
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();
}
