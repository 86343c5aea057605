using Atelier.Data.Images;
using Atelier.Data.Text.Reading;
using Atelier.Formats;
using Atelier.Recipes;

namespace Atelier.Data.Video;

/// <summary>A preview of videos, without preparing them.</summary>
/// <param name="Count">The number of videos.</param>
/// <param name="Fps">The frames per second to which they are converted.</param>
/// <param name="Seconds">The durations in seconds of the videos whose files say it, in increasing order.</param>
/// <param name="Sizes">The number of videos of each size, such as "320 × 180".</param>
/// <param name="PerClass">The number of videos of each class; empty without classes.</param>
/// <param name="Frame">The size, channels and classes of a frame as it is prepared.</param>
/// <param name="First">The first frames of some videos, each with interleaved channels.</param>
/// <param name="Notes">Choices made for the user, one sentence each.</param>
public sealed record VideoPreview(int Count, double Fps, IReadOnlyList<double> Seconds,
    IReadOnlyDictionary<string, int> Sizes, IReadOnlyDictionary<string, int> PerClass, ImageSchema Frame,
    IReadOnlyList<IReadOnlyList<ReadOnlyMemory<byte>>> First, IReadOnlyList<string> Notes)
{
    /// <summary>Reads a source.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of a world's videos.</param>
    /// <param name="count">The number of videos of which frames are returned; they are evenly spread over the
    /// source.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing, damaged, or has no videos.</exception>
    public static VideoPreview Of(DataSection section, long seed, int count, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        VideoSection video = section.Video;
        var source = VideoSource.Read(section, seed, report, progress, cancellation);
        var faults = new List<string>();
        VideoInfo[] infos = [.. source.Items.AsParallel().AsOrdered().WithCancellation(cancellation)
            .Select(item => Info(item.Entry, video.Stream, faults, cancellation)).OfType<VideoInfo>()];
        var format = new FrameFormat(video.Width, video.Height, source.Channels, source.Fps, video.Fit);
        var image = new ImageSchema(video.Width, video.Height, source.Channels, source.Classes);
        var first = new List<IReadOnlyList<ReadOnlyMemory<byte>>>();
        int shown = Math.Min(count, source.Items.Count);
        for (int i = 0; i < shown; i++)
        {
            VideoEntry entry = source.Items[(int)((long)i * source.Items.Count / shown)].Entry;
            if (Frames(entry, video, format, image, cancellation) is { Count: > 0 } frames)
                first.Add(frames);
        }
        faults.Sort(StringComparer.Ordinal);
        SourceFolder.TellDamaged(faults, "video", report);
        return new(source.Items.Count, source.Fps, [.. infos.Select(info => info.Seconds).OfType<double>().Order()],
            infos.CountBy(info => $"{info.Width} × {info.Height}").ToDictionary(size => size.Key, size => size.Value),
            source.Classes.Select((name, label) => (name, Count: source.Items.Count(item => item.Label == label)))
                .ToDictionary(c => c.name, c => c.Count),
            image, first, report.Notes);
    }

    /// <summary>Writes the frames as a PNG file with a row for each video.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="AtelierException">No video has frames, or the file cannot be written.</exception>
    public void Write(string path)
    {
        byte[] png = Encode() ?? throw new AtelierException("no video has frames", path, "look at the notes");
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>Encodes the frames as PNG, with a row for each video; returns null if no video has frames.</summary>
    public byte[]? Encode()
    {
        if (First.Count == 0)
            return null;
        int columns = First.Max(clip => clip.Count);
        var blank = new ReadOnlyMemory<byte>(new byte[Frame.Size]);
        return ImageGrid.Encode(Frame, [.. First.SelectMany(clip =>
            clip.Concat(Enumerable.Repeat(blank, columns - clip.Count)))], columns: columns);
    }

    private static VideoInfo? Info(VideoEntry entry, int stream, List<string> faults, CancellationToken cancellation)
    {
        try
        {
            return entry.Probe?.Invoke(stream, cancellation);
        }
        catch (AtelierException e) when (!FfmpegProcess.IsMissing(e))
        {
            lock (faults)
                faults.Add($"{e.Where} {e.Message}");
            return null;
        }
    }

    private static List<ReadOnlyMemory<byte>> Frames(VideoEntry entry, VideoSection video, FrameFormat format,
        ImageSchema image, CancellationToken cancellation)
    {
        var frames = new List<ReadOnlyMemory<byte>>();
        try
        {
            using IFrameStream stream = entry.Open(video.Stream, format, cancellation);
            var frame = new byte[format.Size];
            while (frames.Count < video.Frames && stream.Read(frame))
                frames.Add(image.Interleave(frame));
        }
        catch (AtelierException e) when (!FfmpegProcess.IsMissing(e))
        {
            return []; // it is among the damaged ones
        }
        return frames;
    }
}
