namespace Atelier.Data.Audio;

/// <summary>
/// Finds silence at the beginning and end of a sound while it is read: blocks of 10 ms whose power is far below that of
/// the loudest block.
/// </summary>
/// <param name="sampleRate">Frames per second.</param>
/// <param name="channels">The number of channels.</param>
internal sealed class SilenceMeter(int sampleRate, int channels)
{
    private const int BlocksPerSecond = 100;
    private readonly int _blockFrames = Math.Max(1, sampleRate / BlocksPerSecond);
    private readonly List<float> _powers = [];
    private double _sum;
    private int _count;
    private long _frames;

    /// <summary>Adds interleaved samples.</summary>
    public void Add(ReadOnlySpan<float> samples)
    {
        foreach (float sample in samples)
        {
            _sum += (double)sample * sample;
            if (++_count == _blockFrames * channels)
                EndBlock();
        }
        _frames += samples.Length / channels;
    }

    /// <summary>Returns the range of frames from the first block that is not silent to the end of the last one.</summary>
    /// <param name="decibels">How far below the loudest block silence is.</param>
    /// <returns>The first frame and the number of frames; nothing is removed from complete silence.</returns>
    public (long First, long Count) Sounding(double decibels)
    {
        if (_count > 0)
            EndBlock();
        double least = _powers.Count == 0 ? 0 : _powers.Max() * Math.Pow(10, -decibels / 10);
        if (least == 0)
            return (0, _frames);
        int first = _powers.FindIndex(power => power >= least), last = _powers.FindLastIndex(power => power >= least);
        long start = (long)first * _blockFrames;
        return (start, Math.Min(_frames, (last + 1L) * _blockFrames) - start);
    }

    private void EndBlock()
    {
        _powers.Add((float)(_sum / _count));
        (_sum, _count) = (0, 0);
    }
}
