using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>The images of a report, next to its plot.</summary>
/// <param name="plot">The path of the report's plot; null writes no images.</param>
/// <param name="schema">The size and channels of the images.</param>
internal sealed class ImageAlbum(string? plot, ImageSchema schema)
{
    private const int Samples = 64;
    private const int Beside = 10; // generated images that are shown with their nearest

    /// <summary>The images that were written.</summary>
    public List<ReportImage> Images { get; } = [];

    /// <summary>Adds a grid of generated images, evenly spaced over all, so that it has every class.</summary>
    public void AddSamples(ImageSet drawn)
    {
        int count = Math.Min(Samples, drawn.Count);
        int[] order = [.. Enumerable.Range(0, drawn.Count).OrderBy(i => drawn.Labels?[i])]; // class by class
        Add("samples", "Generated images.", null,
            Enumerable.Range(0, count).Select(i => Pixels(drawn, order[(long)i * drawn.Count / count])));
    }

    /// <summary>Adds generated images, each next to its nearest training images.</summary>
    public void AddNearest(ImageSet drawn, ImageSet training, ImageCopying copying)
    {
        int check = Math.Min(ImageCopying.Most, drawn.Count), count = Math.Min(Beside, check);
        int[] some = [.. Enumerable.Range(0, count).Select(i => i * check / count)];
        Add("nearest", "In each column a generated image, then its nearest training image by features, then by pixels.",
            count,
            [.. some.Select(i => Pixels(drawn, i)), .. some.Select(i => Pixels(training, copying.ByFeatures.Index[i])),
                .. some.Select(i => Pixels(training, copying.ByPixels.Index[i]))]);
    }

    /// <summary>Adds images enlarged by interpolation and by the model, and the originals, in columns.</summary>
    public void AddEnlarged(UpscaledImages images)
    {
        int count = Math.Min(Beside, images.Drawn.Count);
        Add("enlarged", "In each column an image enlarged by bicubic interpolation, by the model, and as it is.",
            count,
            ((ImageSet[])[images.Bicubic, images.Drawn, images.Real])
                .SelectMany(set => Enumerable.Range(0, count).Select(i => Pixels(set, i))));
    }

    private void Add(string name, string caption, int? columns, IEnumerable<ReadOnlyMemory<byte>> images)
    {
        if (plot is null)
            return;
        string file = $"{Path.GetFileNameWithoutExtension(plot)}-{name}.png";
        ImageGrid.Write(Path.Combine(Path.GetDirectoryName(plot)!, file), schema, [.. images],
            columns: columns);
        Images.Add(new ReportImage(file, caption));
    }

    private ReadOnlyMemory<byte> Pixels(ImageSet images, int number)
    {
        byte[] planes = new byte[images.Schema.Size];
        images.Read(number, planes);
        return schema.Interleave(planes);
    }
}
