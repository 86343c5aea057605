using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Images;

/// <summary>A preview of images, without preparing them.</summary>
/// <param name="Schema">The size, channels and classes of the images.</param>
/// <param name="Count">The number of images.</param>
/// <param name="PerClass">The number of images of each class; empty without classes.</param>
/// <param name="First">The first images: rows from the top, with interleaved channels.</param>
/// <param name="Notes">Choices made for the user, one sentence each.</param>
public sealed record ImagePreview(ImageSchema Schema, int Count, IReadOnlyDictionary<string, int> PerClass,
    IReadOnlyList<ReadOnlyMemory<byte>> First, IReadOnlyList<string> Notes)
{
    /// <summary>Reads a source.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of a world's images.</param>
    /// <param name="count">The number of images to return.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing, damaged, or has no images.</exception>
    public static ImagePreview Of(DataSection section, long seed, int count, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        var source = ImageSource.Read(section, seed, report, progress, cancellation);
        (byte[] Pixels, int Label)[] all = [.. source.Images, .. source.Test];
        return new(source.Schema, all.Length,
            source.Schema.Classes.Select((name, label) => (name, Count: all.Count(image => image.Label == label)))
                .ToDictionary(c => c.name, c => c.Count),
            [.. all.Take(count).Select(image => (ReadOnlyMemory<byte>)source.Schema.Interleave(image.Pixels))],
                report.Notes);
    }
}
