using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Runs;
using Atelier.Tasks.Images;

namespace Atelier.Tasks.Video;

/// <summary>Generates videos and encodes them as files.</summary>
public static class VideoOutput
{
    private const int LeastSide = 256; // of MP4 and WebM, whose colours have half the resolution

    /// <summary>Generates videos and encodes them. Nothing is written to disk but a temporary file of ffmpeg.</summary>
    /// <param name="generator">The generator.</param>
    /// <param name="request">The request.</param>
    /// <param name="form">The files to encode.</param>
    /// <param name="progress">Receives the progress of each batch of videos as a line.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The request cannot be met, or ffmpeg is needed but not installed.</exception>
    public static async Task<EncodedVideos> SampleAsync(VideoGenerator generator, GenerationRequest request,
        VideoForm form, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        generator.Watch = done => progress?.Report(FormattableString.Invariant(
            $"{done} of {Quantity.Of(request.Count, "video")} generated"));
        var samples = new List<VideoSample>();
        try
        {
            await foreach (Sample sample in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
                samples.Add((VideoSample)sample);
        }
        finally
        {
            generator.Watch = null;
        }
        VideoSchema schema = generator.Schema;
        IReadOnlyList<ReadOnlyMemory<byte>>[] clips = [.. samples.Select(sample => sample.Frames)];
        return new EncodedVideos(samples, form switch
        {
            VideoForm.None => [],
            VideoForm.Each => [.. clips.Select((clip, i) => new EncodedImage(Number(request, i) + ".gif",
                Gif(schema, [clip])))],
            VideoForm.Sheet => [new("clips.png", ContactSheet.Encode(schema, clips))],
            VideoForm.Gif => [new("clips.gif", Gif(schema, clips))],
            _ => [new(form == VideoForm.Mp4 ? "clips.mp4" : "clips.webm", Film(schema, clips, form, cancellation))],
        });
    }

    /// <summary>Encodes clips as one GIF, side by side.</summary>
    internal static byte[] Gif(VideoSchema schema, IReadOnlyList<IReadOnlyList<ReadOnlyMemory<byte>>> clips)
    {
        (int width, int height, byte[][] frames) = SideBySide(schema, clips);
        var delay = TimeSpan.FromSeconds(1 / schema.Fps);
        return GifFile.Encode(width, height, schema.Channels, frames, delay, delay);
    }

    /// <summary>Encodes clips as one MP4 (H.264) or WebM (VP9) file with ffmpeg, side by side. Small clips are enlarged
    /// by a whole factor, since the colours of these files have half the resolution.</summary>
    /// <exception cref="AtelierException">ffmpeg is not installed, or has no such encoder.</exception>
    internal static byte[] Film(VideoSchema schema, IReadOnlyList<IReadOnlyList<ReadOnlyMemory<byte>>> clips,
        VideoForm form, CancellationToken cancellation)
    {
        (int width, int height, byte[][] frames) = SideBySide(schema, clips);
        int factor = Math.Max(1, (LeastSide + Math.Min(width, height) - 1) / Math.Min(width, height));
        string target = Path.GetTempFileName();
        try
        {
            using FfmpegProcess process = FfmpegProcess.Start("ffmpeg",
            [
                "-hide_banner", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt",
                schema.Channels == 1 ? "gray" : "rgb24", "-video_size", $"{width}x{height}", "-framerate",
                schema.Fps.ToString("R", CultureInfo.InvariantCulture), "-i", "pipe:0", "-vf",
                $"scale={width * factor}:{height * factor}:flags=neighbor,pad=ceil(iw/2)*2:ceil(ih/2)*2,format=yuv420p",
                .. form == VideoForm.Mp4
                    ? (string[])["-c:v", "libx264", "-crf", "16", "-movflags", "+faststart", "-f", "mp4"]
                    : ["-c:v", "libvpx-vp9", "-crf", "20", "-b:v", "0", "-f", "webm"],
                "file:" + target,
            ], "the video", input =>
            {
                foreach (byte[] frame in frames)
                    input.Write(frame);
            }, cancellation);
            bool succeeded = process.Succeeded();
            cancellation.ThrowIfCancellationRequested();
            return succeeded ? File.ReadAllBytes(target)
                : throw new AtelierException("ffmpeg cannot encode the video: " + process.Complaint(),
                    Mention.Field("out"), "write it as a .gif");
        }
        finally
        {
            File.Delete(target);
        }
    }

    private static (int Width, int Height, byte[][] Frames) SideBySide(VideoSchema schema,
        IReadOnlyList<IReadOnlyList<ReadOnlyMemory<byte>>> clips)
    {
        (int Width, int Height, byte[] Pixels)[] frames = [.. Enumerable.Range(0, clips[0].Count).Select(frame =>
            ImageGrid.Lay(schema.Width, schema.Height, schema.Channels, [.. clips.Select(clip => clip[frame])]))];
        return (frames[0].Width, frames[0].Height, [.. frames.Select(frame => frame.Pixels)]);
    }

    private static string Number(GenerationRequest request, int index)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        int digits = Math.Max(2, (request.Count - 1).ToString(invariant).Length);
        return (request.Only ?? index).ToString(invariant).PadLeft(digits, '0');
    }
}

/// <summary>The files that generated videos are encoded as.</summary>
public enum VideoForm
{
    /// <summary>No files.</summary>
    None,

    /// <summary>One PNG with a row of frames for each video.</summary>
    Sheet,

    /// <summary>One GIF with all videos side by side.</summary>
    Gif,

    /// <summary>One MP4 file with all videos side by side.</summary>
    Mp4,

    /// <summary>One WebM file with all videos side by side.</summary>
    Webm,

    /// <summary>A GIF for each video.</summary>
    Each,
}

/// <summary>Generated videos and their files.</summary>
/// <param name="Samples">The videos.</param>
/// <param name="Files">Their files: one for each video in its order, one for all, or none.</param>
public sealed record EncodedVideos(IReadOnlyList<VideoSample> Samples, IReadOnlyList<EncodedImage> Files);
