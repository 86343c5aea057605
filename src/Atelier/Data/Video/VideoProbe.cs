using System.Globalization;
using System.Text.Json;

namespace Atelier.Data.Video;

/// <summary>Reads what a file says about its video with the program ffprobe. No frame is decoded.</summary>
internal static class VideoProbe
{
    /// <summary>Demuxers that read one file and nothing else, so that a file cannot refer to others.</summary>
    public const string Formats =
        "apng,asf,avi,dv,flv,gif,h261,h263,h264,hevc,ivf,m4v,matroska,webm,mjpeg,mov,mp4,m4a,3gp,3g2,mj2,mpeg,"
            + "mpegts,mpegvideo,mxf,nut,ogg,rm,vc1,wtv,yuv4mpegpipe";

    private const string Program = "ffprobe";
    private const int MostSide = 16_384, MostAnswer = 1 << 20;
    private const double VariableShare = 0.02; // difference between the mean rate and the finest one

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="where">Its name for messages.</param>
    /// <param name="stream">The number of the video stream, from 0.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <param name="program">The program to run.</param>
    /// <exception cref="AtelierException">ffprobe is not installed, or the file has no such video.</exception>
    public static VideoInfo Read(string path, string where, int stream, CancellationToken cancellation,
        string program = Program)
    {
        if (!File.Exists(path))
            throw new AtelierException("no such file", where, "check its name");
        if (new FileInfo(path).Length == 0)
            throw new AtelierException("is empty", where, "copy or download it again, or remove it");
        using FfmpegProcess process = FfmpegProcess.Start(program,
        [
            "-hide_banner", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", Formats,
            "-select_streams", "v", "-show_entries",
            "stream=index,width,height,avg_frame_rate,r_frame_rate,duration:stream_disposition=attached_pic"
                + ":format=duration", "-of", "json", "file:" + path,
        ], where, cancellation: cancellation);
        using var answer = new MemoryStream();
        var buffer = new byte[1 << 14];
        for (int read; answer.Length < MostAnswer && (read = process.Output.Read(buffer)) > 0;)
            answer.Write(buffer, 0, read);
        cancellation.ThrowIfCancellationRequested();
        if (!process.Succeeded())
            throw NoVideo(where, process.Complaint());
        using JsonDocument parsed = JsonDocument.Parse(answer.ToArray());
        JsonElement[] streams = parsed.RootElement.TryGetProperty("streams", out JsonElement list)
            ? [.. list.EnumerateArray().Where(one => !IsCover(one))] : [];
        if (streams.Length == 0)
            throw NoVideo(where, null);
        if (stream >= streams.Length)
            throw new AtelierException(
                $"has {Quantity.Of(streams.Length, "video stream")}, so none with the number {stream}", where,
                $"set data.video.stream to {(streams.Length == 1 ? "0" : $"0 to {streams.Length - 1}")}");
        JsonElement chosen = streams[stream];
        double? seconds = Number(chosen, "duration")
            ?? (parsed.RootElement.TryGetProperty("format", out JsonElement all) ? Number(all, "duration") : null);
        double fps = Ratio(chosen, "avg_frame_rate") is > 0 and var mean ? mean : Ratio(chosen, "r_frame_rate") ?? 0;
        int width = (int)(Number(chosen, "width") ?? 0), height = (int)(Number(chosen, "height") ?? 0);
        if (width is < 1 or > MostSide || height is < 1 or > MostSide)
            throw new AtelierException(width < 1 || height < 1 ? "has a video without frames"
                : $"has frames of {width} × {height}", where, $"allowed: frames up to {MostSide} pixels wide and high");
        return new VideoInfo((int)(Number(chosen, "index") ?? 0), streams.Length, width, height, fps,
            Ratio(chosen, "r_frame_rate") is { } finest && Math.Abs(finest - fps) > VariableShare * fps, seconds);
    }

    /// <summary>Returns an error for a file without a video.</summary>
    public static AtelierException NoVideo(string where, string? complaint) =>
        new("has no video that ffmpeg decodes" + (complaint is null ? "" : $": {complaint}"), where,
            "check that it is a video, and copy or download it again");

    private static bool IsCover(JsonElement stream) =>
        stream.TryGetProperty("disposition", out JsonElement disposition)
        && disposition.TryGetProperty("attached_pic", out JsonElement cover) && cover.GetInt32() == 1;

    private static double? Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value)
        && double.TryParse(value.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
        && double.IsFinite(number) ? number : null;

    private static double? Ratio(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out JsonElement value)
            || value.ToString().Split('/') is not [var up, var down]
            || !double.TryParse(up, NumberStyles.Float, CultureInfo.InvariantCulture, out double above)
            || !double.TryParse(down, NumberStyles.Float, CultureInfo.InvariantCulture, out double below) || below <= 0)
            return null;
        return above / below;
    }
}
