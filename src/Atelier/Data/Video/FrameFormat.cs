using Atelier.Recipes;

namespace Atelier.Data.Video;

/// <summary>The format to which frames are converted while they are decoded.</summary>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="Channels">1 for grey, 3 for red, green and blue.</param>
/// <param name="Fps">Frames per second; null keeps those of the file.</param>
/// <param name="Fit">How frames of another shape fit.</param>
internal sealed record FrameFormat(int Width, int Height, int Channels, double? Fps, VideoFit Fit)
{
    /// <summary>The number of values of a frame.</summary>
    public int Size => Channels * Height * Width;

    /// <summary>
    /// Returns the filters of ffmpeg that convert to this format. They take the shape of pixels into account, and
    /// reduce frames by the mean of the source pixels.
    /// </summary>
    public string Filters()
    {
        string rate = Fps is { } fps ? FormattableString.Invariant($"fps={fps:R},") : "";
        string size = Fit switch
        {
            VideoFit.Crop => FormattableString.Invariant(
                $"crop='max(1,min(iw,ih*{Width}/{Height}/sar))':'max(1,min(ih,iw*sar*{Height}/{Width}))',")
                + FormattableString.Invariant($"scale={Width}:{Height}:flags=area"),
            VideoFit.Pad => FormattableString.Invariant($"scale='max(1,round(min({Width},{Height}*dar)))'")
                + FormattableString.Invariant($":'max(1,round(min({Height},{Width}/dar)))':flags=area,")
                // the black of other pixels than RGB may not be 0
                + FormattableString.Invariant($"format=rgb24,pad={Width}:{Height}:(ow-iw)/2:(oh-ih)/2"),
            _ => FormattableString.Invariant($"scale={Width}:{Height}:flags=area"),
        };
        return $"{rate}{size},setsar=1,format={PixelFormat}";
    }

    /// <summary>ffmpeg's name of the pixels.</summary>
    public string PixelFormat => Channels == 1 ? "gray" : "rgb24";
}
