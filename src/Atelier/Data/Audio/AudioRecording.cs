namespace Atelier.Data.Audio;

/// <summary>A recording, or a stretch of one, in the file of prepared sounds.</summary>
/// <param name="Name">Its path within the source.</param>
/// <param name="Label">Its class; 0 where there are no classes.</param>
/// <param name="Speaker">Its speaker, from its name; null if it has none.</param>
/// <param name="Start">Its first frame in the file of samples.</param>
/// <param name="Frames">Its number of frames; at least 1.</param>
/// <param name="Gain">The factor by which its samples are multiplied when they are read.</param>
public sealed record AudioRecording(string Name, int Label, string? Speaker, long Start, long Frames, float Gain)
{
    /// <summary>
    /// Returns the number of clips that it is cut into. The last one is padded with silence; it is left out if less
    /// than half of it would be sound that no other clip has.
    /// </summary>
    internal long Clips(int clipFrames, int stride)
    {
        if (Frames <= clipFrames)
            return 1;
        long whole = 1 + ((Frames - clipFrames) / stride), rest = Frames - ((whole - 1) * stride) - clipFrames;
        return rest * 2 >= clipFrames ? whole + 1 : whole;
    }
}
