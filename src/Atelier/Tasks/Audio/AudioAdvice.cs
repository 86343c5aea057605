using Atelier.Data.Audio;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Tasks.Audio;

/// <summary>Suggests settings for a user's own sounds by their number and size.</summary>
internal static class AudioAdvice
{
    /// <summary>Suggests settings for a folder, an archive or a file.</summary>
    /// <param name="task">The task.</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="family">The family to train.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There are no sounds there.</exception>
    public static DataAdvice For(ITask task, string path, IModelFamily family, CancellationToken cancellation)
    {
        long bytes = DataAdvice.Bytes(path, Mention.Field(task.Name), cancellation);
        AudioSource source = AudioSource.Read(new DataSection { Source = path }, seed: 0, new ReadingReport(),
            progress: null, cancellation);
        int sounds = source.Items.Count;
        // A sound is heard some twenty times, but training takes minutes on two cores.
        int batch = Math.Clamp(sounds / 20, 8, 32), steps = Math.Clamp(20 * sounds / batch, 500, 3000);
        string classes = source.Classes.Count > 0 ? Quantity.Of(source.Classes.Count, "class") : "no classes";
        return new DataAdvice(
        [
            .. DataAdvice.Source(path), $"data.kind={task.Name}", $"model.family={family.Name}",
            $"data.audio.sampleRate={source.SampleRate}", $"training.batchSize={batch}", $"training.steps={steps}",
            $"training.sampleEvery={steps / 5}", $"training.evaluateEvery={steps / 10}",
        ], $"{Quantity.Of(sounds, "sound")} of together {DataAdvice.Size(bytes)}, {source.SampleRate} Hz, {classes}");
    }
}
