using Atelier.Data.Images;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;

namespace Atelier.Data.Video;

/// <summary>A video: a file, a folder of frames, or a clip of a world.</summary>
/// <param name="Name">Its path within the source, with / as separator.</param>
/// <param name="Where">Its file, for messages.</param>
/// <param name="Open">Starts to decode the video stream with a number, in a format.</param>
/// <param name="Probe">Reads what the file says about that stream; null for frames without a file.</param>
internal sealed record VideoEntry(string Name, string Where,
    Func<int, FrameFormat, CancellationToken, IFrameStream> Open, Func<int, CancellationToken, VideoInfo>? Probe)
{
    private static readonly string[] Endings =
    [
        "mp4", "m4v", "mov", "webm", "mkv", "avi", "mpg", "mpeg", "ts", "m2ts", "wmv", "flv", "3gp", "ogv", "y4m",
        "ivf", "mxf",
    ];

    /// <summary>The usual extensions, for messages.</summary>
    public static string Formats => ".mp4, .webm, .mov, .mkv, .avi, .gif";

    /// <summary>Finds the videos among files and in archives; without any, each folder of images is one.</summary>
    /// <param name="root">The folder that names are relative to.</param>
    /// <param name="files">The paths of the files. A single file is read whatever its name is.</param>
    /// <param name="report">Receives the files that are left out.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">An archive is damaged, or its videos do not fit in memory.</exception>
    public static IReadOnlyList<VideoEntry> Find(
        string root, IReadOnlyList<string> files, ReadingReport report, CancellationToken cancellation)
    {
        var found = new List<VideoEntry>();
        var others = new List<string>();
        foreach (string file in files)
        {
            if (MediaArchive.IsNamed(file))
                found.AddRange(MediaArchive.Unpack(file, IsVideoOrGif, "videos", others, report, cancellation)
                    .Select(video => new VideoEntry(video.Name, video.Where,
                        (stream, format, token) =>
                            FfmpegFrames.Open(video.Content, video.Where, stream, format, token), Probe: null)));
            else if (IsVideoOrGif(file) || files.Count == 1)
                found.Add(Of(Relative(root, file), file));
            else if (!TableFile.IsTable(file)) // tables hold labels
                others.Add(file);
        }
        if (found.Count == 0)
        {
            found.AddRange(InFolders(root, others.Where(ImageEntry.IsImage), cancellation));
            others.RemoveAll(ImageEntry.IsImage);
        }
        SourceFolder.TellLeftOut(others, report);
        return [.. found.OrderBy(entry => FolderFrames.Ordered(entry.Name), StringComparer.Ordinal)];
    }

    /// <summary>Returns a file as an entry.</summary>
    public static VideoEntry Of(string name, string file) => new(name, file,
        (stream, format, token) => FfmpegFrames.Open(file, file, stream, format, token),
        (stream, token) => VideoProbe.Read(file, file, stream, token));

    /// <summary>Returns whether a name is that of a video. GIF files count as images.</summary>
    public static bool IsVideo(string name) =>
        Endings.Contains(Path.GetExtension(name).TrimStart('.').ToLowerInvariant());

    private static bool IsVideoOrGif(string name) =>
        IsVideo(name) || name.EndsWith(".gif", StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<VideoEntry> InFolders(string root, IEnumerable<string> images,
        CancellationToken cancellation) =>
        from folder in images.GroupBy(file => Path.GetDirectoryName(file)!)
        let frames = ImageEntry.Find(root, folder, new ReadingReport(), cancellation)
            .OrderBy(frame => FolderFrames.Ordered(frame.Name), StringComparer.Ordinal).ToArray()
        select new VideoEntry(Relative(root, folder.Key), folder.Key,
            (_, format, _) => new FolderFrames(frames, format), Probe: null);

    private static string Relative(string root, string file) =>
        Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '/');
}
