namespace Atelier.Data.Video;

/// <summary>What a file says about its video.</summary>
/// <param name="Stream">The number of the chosen stream among all streams of the file.</param>
/// <param name="StreamCount">The number of video streams.</param>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="Fps">The mean number of frames per second.</param>
/// <param name="IsVariable">Whether the time between frames varies.</param>
/// <param name="Seconds">The duration in seconds; null if the file does not say.</param>
public sealed record VideoInfo(int Stream, int StreamCount, int Width, int Height, double Fps, bool IsVariable,
    double? Seconds);
