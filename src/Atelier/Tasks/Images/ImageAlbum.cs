using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>The images of a report, next to its plot.</summary>
/// <param name="plot">Where the report's plot is drawn; null writes no pictures.</param>
/// <param name="generator">Lays pixels as files have them.</param>
internal sealed class ImageAlbum(string? plot, ImageGenerator generator)
{
    private const int Samples = 64;
    private const int Beside = 10; // drawn pictures that are shown beside their nearest

    /// <summary>What was written.</summary>
    public List<ReportImage> Images { get; } = [];

    /// <summary>A grid of drawn pictures, evenly from all, so that every class is in it.</summary>
    public void AddSamples(ImageSet drawn)
    {
        int count = Math.Min(Samples, drawn.Count);
        int[] order = [.. Enumerable.Range(0, drawn.Count).OrderBy(i => drawn.Labels?[i])]; // class by class
        Add("samples", "Drawn pictures.", null,
            Enumerable.Range(0, count).Select(i => Pixels(drawn, order[(long)i * drawn.Count / count])));
    }

    /// <summary>Generated images, each next to its nearest training images.</summary>
    public void AddNearest(ImageSet drawn, ImageSet training, ImageCopying copying)
    {
        int check = Math.Min(ImageCopying.Most, drawn.Count), count = Math.Min(Beside, check);
        int[] some = [.. Enumerable.Range(0, count).Select(i => i * check / count)];
        Add("nearest", "In each column a drawn picture, then its nearest training picture by features, then by pixels.",
            count,
            [.. some.Select(i => Pixels(drawn, i)), .. some.Select(i => Pixels(training, copying.ByFeatures.Index[i])),
                .. some.Select(i => Pixels(training, copying.ByPixels.Index[i]))]);
    }

    /// <summary>Pictures enlarged by interpolation, by the model, and as they are, a column each.</summary>
    public void AddEnlarged(UpscaledImages pictures)
    {
        int count = Math.Min(Beside, pictures.Drawn.Count);
        Add("enlarged", "In each column a picture enlarged by bicubic interpolation, by the model, and as it is.",
            count,
            ((ImageSet[])[pictures.Bicubic, pictures.Drawn, pictures.Real])
                .SelectMany(set => Enumerable.Range(0, count).Select(i => Pixels(set, i))));
    }

    private void Add(string name, string caption, int? columns, IEnumerable<ReadOnlyMemory<byte>> pictures)
    {
        if (plot is null)
            return;
        string file = $"{Path.GetFileNameWithoutExtension(plot)}-{name}.png";
        ImageGrid.Write(Path.Combine(Path.GetDirectoryName(plot)!, file), generator.Schema, [.. pictures],
            columns: columns);
        Images.Add(new ReportImage(file, caption));
    }

    private ReadOnlyMemory<byte> Pixels(ImageSet pictures, int number)
    {
        byte[] planes = new byte[pictures.Schema.Size];
        pictures.Read(number, planes);
        return generator.Schema.Interleave(planes);
    }
}
