namespace Atelier.Data.Video;

/// <summary>A video, or a stretch of one, in the file of prepared frames.</summary>
/// <param name="Name">Its path within the source.</param>
/// <param name="Label">Its class; 0 where there are no classes.</param>
/// <param name="Start">Its first frame in the file of frames.</param>
/// <param name="Frames">Its number of frames; at least 1.</param>
public sealed record VideoFilm(string Name, int Label, long Start, long Frames)
{
    /// <summary>Returns the number of clips that it is cut into; a film that is shorter than a clip is one.</summary>
    internal long Clips(int clipFrames, int stride) =>
        Frames <= clipFrames ? 1 : 1 + ((Frames - clipFrames) / stride);
}
