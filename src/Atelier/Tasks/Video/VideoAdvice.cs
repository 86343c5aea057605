using Atelier.Data.Text.Reading;
using Atelier.Data.Video;
using Atelier.Recipes;

namespace Atelier.Tasks.Video;

/// <summary>Suggests settings for a user's own videos by their number and length.</summary>
internal static class VideoAdvice
{
    private const double ClipSeconds = 2; // that a clip of 16 frames shows

    /// <summary>Suggests settings for a folder, an archive or a file.</summary>
    /// <param name="task">The task.</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="family">The family to train.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There are no videos there.</exception>
    public static DataAdvice For(ITask task, string path, IModelFamily family, CancellationToken cancellation)
    {
        long bytes = DataAdvice.Bytes(path, Mention.Field(task.Name), cancellation);
        var section = new VideoSection();
        VideoSource source = VideoSource.Read(new DataSection { Source = path, Video = section }, seed: 0,
            new ReadingReport(), progress: null, cancellation);
        int videos = source.Items.Count;
        double fps = Math.Round(Math.Min(source.Fps, section.Frames / ClipSeconds), 3);
        // Clips overlap by three quarters, since most folders hold few videos.
        int stride = section.Frames / 4, batch = 8, steps = Math.Clamp(20 * videos, 1000, 3000);
        string classes = source.Classes.Count > 0 ? Quantity.Of(source.Classes.Count, "class") : "no classes";
        return new DataAdvice(
        [
            .. DataAdvice.Source(path), $"data.kind={task.Name}", $"model.family={family.Name}",
            FormattableString.Invariant($"data.video.fps={fps}"), $"data.video.stride={stride}",
            $"training.batchSize={batch}", $"training.steps={steps}", "training.ema=0.995",
            $"training.sampleEvery={steps / 5}", $"training.evaluateEvery={steps / 10}",
        ], FormattableString.Invariant(
            $"{Quantity.Of(videos, "video")} of together {DataAdvice.Size(bytes)}, {fps} frames per second, ")
            + classes);
    }
}
