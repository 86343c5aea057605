using Atelier.Data.Text.Reading;
using Atelier.Formats;

namespace Atelier.Data.Video;

/// <summary>
/// Decodes videos into one file of frames. Several videos are decoded at once, on other threads, and no more than a few
/// tens of frames of each are in memory.
/// </summary>
/// <param name="format">The format of the frames.</param>
/// <param name="stream">The number of the video stream of each file.</param>
/// <param name="report">Receives notes of videos that are damaged.</param>
/// <param name="progress">Receives messages about long operations.</param>
/// <param name="cancellation">Cancels the operation.</param>
internal sealed class VideoPreparation(FrameFormat format, int stream, ReadingReport report,
    IProgress<string>? progress, CancellationToken cancellation)
{
    private const int FramesPerMessage = 5000, VideosPerMessage = 500;

    private readonly byte[] _frame = new byte[format.Size];

    /// <summary>Writes the frames of videos to a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="items">The videos.</param>
    /// <returns>The place of each video that could be read, in their order.</returns>
    /// <exception cref="AtelierException">No video could be read.</exception>
    public IReadOnlyList<(VideoItem Item, VideoFilm Film)> Write(string path, IReadOnlyList<VideoItem> items)
    {
        var found = new List<(VideoItem Item, VideoFilm Film)>();
        var faults = new List<string>();
        AtelierException? failure = null;
        AtomicFile.Write(path, file =>
        {
            int done = 0, together = Math.Clamp(Environment.ProcessorCount, 2, 8);
            var opened = new Queue<ReadAheadFrames>();
            try
            {
                for (int next = 0; done < items.Count; done++)
                {
                    for (; next < items.Count && opened.Count < together; next++)
                    {
                        VideoEntry entry = items[next].Entry;
                        opened.Enqueue(new(token => entry.Open(stream, format, token), format.Size, cancellation));
                    }
                    using ReadAheadFrames frames = opened.Dequeue();
                    if (done > 0 && done % VideosPerMessage == 0)
                        progress?.Report(FormattableString.Invariant(
                            $"{done} of {Quantity.Of(items.Count, "video")} read"));
                    try
                    {
                        long start = file.Position / format.Size, count = Copy(items[done].Entry, frames, file);
                        found.Add((items[done], new(items[done].Entry.Name, items[done].Label, start, count)));
                    }
                    catch (AtelierException e) when (!FfmpegProcess.IsMissing(e))
                    {
                        failure ??= e.Where is null ? e.At(items[done].Entry.Where) : e;
                        faults.Add($"{e.Where ?? items[done].Entry.Where} {e.Message}");
                    }
                }
            }
            finally
            {
                foreach (ReadAheadFrames frames in opened)
                    frames.Dispose();
            }
        });
        SourceFolder.TellDamaged(faults, "video", report);
        return found.Count > 0 ? found
            : throw failure ?? new AtelierException("has no frames", items[0].Entry.Where, "provide videos");
    }

    private long Copy(VideoEntry entry, ReadAheadFrames frames, Stream file)
    {
        long written = 0;
        for (; frames.Read(_frame); written++)
        {
            cancellation.ThrowIfCancellationRequested();
            file.Write(_frame);
            if (written > 0 && written % FramesPerMessage == 0)
                progress?.Report(FormattableString.Invariant($"{entry.Name}: {written} frames read"));
        }
        cancellation.ThrowIfCancellationRequested();
        if (written == 0)
            throw new AtelierException("has a video without frames" + (frames.Fault is { } why ? $": it {why}" : ""),
                entry.Where, "remove it");
        if (frames.Fault is { } fault)
            report.Note(FormattableString.Invariant(
                $"{entry.Where} {fault}; the {Quantity.Of(written, "frame")} before that are used."));
        return written;
    }
}
