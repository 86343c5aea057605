using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Video;

/// <summary>A video of a source, which is not yet decoded.</summary>
/// <param name="Entry">The video.</param>
/// <param name="Label">Its class; 0 where there are no classes.</param>
/// <param name="IsTest">Whether the source holds it out as test part.</param>
internal sealed record VideoItem(VideoEntry Entry, int Label, bool IsTest);

/// <summary>The videos of a source, before they are decoded and split.</summary>
/// <param name="Fps">Frames per second of the prepared videos.</param>
/// <param name="Channels">1 for grey, 3 for red, green and blue.</param>
/// <param name="Classes">The names of the classes; empty if there are none.</param>
/// <param name="Items">The videos, in the source's order.</param>
internal sealed record VideoSource(double Fps, int Channels, IReadOnlyList<string> Classes,
    IReadOnlyList<VideoItem> Items)
{
    private const double FolderFps = 10; // of frames that are stored as images, or of a file that does not say
    private const int ProbesLooked = 50; // videos whose frame rate is looked at, evenly chosen
    private const double HighestFps = 240;

    private static readonly string[] Worlds = [MovingShapes.Name, MovingDigits.Name];

    /// <summary>Finds the videos of a world, a folder, a tar or zip file, or one file.</summary>
    /// <exception cref="AtelierException">The source is missing or has no videos, or does not fit the
    /// section.</exception>
    public static VideoSource Read(DataSection section, long seed, ReadingReport report, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        VideoSection asked = section.Video;
        if (Worlds.Contains(section.Source))
            return OfWorld(section, seed, progress, cancellation);
        SourceFiles source = SourceFiles.Find(section.Source, report, progress, cancellation, Worlds);
        string[] files = source.Paths is [var folder] && Directory.Exists(folder)
            ? [.. SourceFolder.Files(folder, cancellation).Select(Path.GetFullPath)]
            : [.. source.Paths.Select(Path.GetFullPath)];
        if (files.Length == 0)
            throw new AtelierException("the folder is empty", section.Source, "provide videos");
        string root = Directory.Exists(section.Source) ? Path.GetFullPath(section.Source)
            : Path.GetDirectoryName(files[0])!;
        IReadOnlyList<VideoEntry> entries = VideoEntry.Find(root, files, report, cancellation);
        if (entries.Count == 0)
            throw new AtelierException("there are no videos", section.Source,
                $"provide files named {VideoEntry.Formats}, or folders of frames");
        FileLabels? table = asked.Labels is "none" or "folder" ? null
            : FileLabels.Find(root, asked.Labels, ReadingOptions.Of(section), report);
        IReadOnlyList<(VideoEntry File, string Label)> labelled = asked.Labels == "none"
            ? [.. entries.Select(entry => (entry, ""))]
            : table is not null ? table.Of(entries, entry => entry.Name, "video", report)
            : FileLabels.OfFolders(entries, entry => entry.Name, "video", report);
        string[] classes = [.. labelled.Select(video => video.Label).Where(label => label.Length > 0).Distinct()
            .Order(StringComparer.Ordinal)];
        if (classes.Length == 1)
        {
            report.Note($"All videos are of one class, {classes[0]}, so the class is ignored.");
            classes = [];
        }
        VideoItem[] items = [.. labelled.Select(video =>
            new VideoItem(video.File, Math.Max(0, Array.IndexOf(classes, video.Label)), IsTest: false))];
        return new(asked.Fps ?? UsualFps(items, asked.Stream, report, cancellation), asked.Channels ?? 3,
            classes, items);
    }

    private static VideoSource OfWorld(DataSection section, long seed, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        VideoSection asked = section.Video;
        bool isDigits = section.Source == MovingDigits.Name;
        int channels = isDigits ? 1 : 3;
        if ((asked.Width, asked.Height, asked.Channels ?? channels, asked.Fps ?? MovingShapes.Fps)
            is not (MovingShapes.Side, MovingShapes.Side, var c, MovingShapes.Fps) || c != channels)
            throw new AtelierException($"{section.Source} has {MovingShapes.Side} × {MovingShapes.Side} pixels of "
                + $"{Quantity.Of(channels, "channel")} and {MovingShapes.Fps} frames per second", "data.video",
                "leave out the size, channels and fps");
        MovingDigits? digits = isDigits ? MovingDigits.Open(seed, progress, cancellation) : null;
        return new(MovingShapes.Fps, channels, isDigits ? [] : MovingShapes.Classes,
            [.. Enumerable.Range(0, section.WorldDocuments).Select(number =>
                digits?.Item(number, asked.Frames) ?? MovingShapes.Item(seed, number, asked.Frames))]);
    }

    /// <summary>Returns the most frequent frame rate; of equally frequent ones, the highest.</summary>
    private static double UsualFps(VideoItem[] items, int stream, ReadingReport report, CancellationToken cancellation)
    {
        int looked = Math.Min(items.Length, ProbesLooked);
        (VideoInfo? Info, AtelierException? Fault)[] found = [.. Enumerable.Range(0, looked).AsParallel().AsOrdered()
            .WithCancellation(cancellation)
            .Select(i => Probe(items[(int)((long)i * items.Length / looked)].Entry, stream, cancellation))];
        if (found.FirstOrDefault(one => one.Fault is { } fault && FfmpegProcess.IsMissing(fault)).Fault is { } missing)
            throw missing;
        var counts = new SortedDictionary<double, int>(found.Select(one => one.Info?.Fps).OfType<double>()
            .Where(fps => fps > 0).CountBy(fps => Math.Round(fps, 3)).ToDictionary(fps => fps.Key, fps => fps.Value));
        if (counts.Count == 0)
        {
            report.Note(FormattableString.Invariant(
                $"The videos have no frame rate; {FolderFps} frames per second are assumed."));
            return FolderFps;
        }
        double usual = Math.Min(HighestFps, counts.Reverse().MaxBy(fps => fps.Value).Key);
        int variable = found.Count(one => one.Info is { IsVariable: true });
        if (counts.Count > 1 || variable > 0)
            report.Note(FormattableString.Invariant(
                $"The videos have {(counts.Count > 1 ? $"{counts.Count} frame rates" : "a variable frame rate")}; ")
                + FormattableString.Invariant($"all are converted to {usual} frames per second."));
        if (found.Select(one => one.Info?.StreamCount ?? 1).Max() is > 1 and var streams)
            report.Note($"There are up to {streams} video streams in a file; stream {stream} is read.");
        return usual;
    }

    private static (VideoInfo? Info, AtelierException? Fault) Probe(VideoEntry entry, int stream,
        CancellationToken cancellation)
    {
        try
        {
            return (entry.Probe?.Invoke(stream, cancellation), null);
        }
        catch (AtelierException e)
        {
            return (null, e); // it is reported and left out when videos are decoded
        }
    }
}
