using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Evaluation.Images;
using Atelier.Tasks.Images;

namespace Atelier.Tasks.Audio;

/// <summary>
/// Sounds of a model of spectrograms, or real ones that have been through their spectrogram: the samples, and the
/// spectrograms as they are measured from the samples.
/// </summary>
/// <param name="Samples">The samples of each sound.</param>
/// <param name="Heard">The spectrograms of the samples.</param>
internal sealed record SpectrogramSounds(IReadOnlyList<float[]> Samples, ImageSet Heard)
{
    /// <summary>Computes the samples of spectrograms, and the spectrograms of the samples.</summary>
    /// <param name="images">Spectrograms.</param>
    /// <param name="seed">The seed of the phases.</param>
    /// <param name="progress">Receives a message while it runs.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static SpectrogramSounds Of(ImageSet images, long seed, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        ImageSchema schema = images.Schema;
        var drawing = new SpectrogramImages(schema.Spectrogram!);
        var samples = new float[images.Count][];
        var pixels = new byte[images.Count * schema.Size];
        int done = 0;
        Parallel.For(0, images.Count, new ParallelOptions { CancellationToken = cancellation }, i =>
        {
            var image = new byte[schema.Size];
            images.Read(i, image);
            samples[i] = drawing.ToSamples(image, seed + i, cancellation);
            drawing.ToImage(samples[i]).CopyTo(pixels.AsSpan(i * schema.Size));
            if (Interlocked.Increment(ref done) % 200 == 0)
                progress?.Report(FormattableString.Invariant($"samples of {done} of {images.Count} sounds computed"));
        });
        return new(samples, ImageSet.Of(schema, pixels, images.Labels));
    }

    /// <summary>Computes the spectrograms of sounds.</summary>
    /// <param name="samples">The samples of each sound, as many as the format of the spectrograms says.</param>
    /// <param name="schema">The size and classes of the spectrograms.</param>
    /// <param name="labels">The class of each sound; null without classes.</param>
    public static SpectrogramSounds Of(IReadOnlyList<float[]> samples, ImageSchema schema, IReadOnlyList<int>? labels)
    {
        var drawing = new SpectrogramImages(schema.Spectrogram!);
        var pixels = new byte[samples.Count * schema.Size];
        Parallel.For(0, samples.Count, i => drawing.ToImage(samples[i]).CopyTo(pixels.AsSpan(i * schema.Size)));
        return new(samples, ImageSet.Of(schema, pixels, labels));
    }
}
