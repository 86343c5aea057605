using System.Globalization;
using Atelier.Data.Images;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>
/// Suggests settings for a user's own images by their number, their size, and whether they have classes.
/// </summary>
internal static class ImageAdvice
{
    private const int Multiple = 4; // of sides, so that they can be halved twice

    /// <summary>Suggests settings for a folder, an archive or idx files.</summary>
    /// <param name="task">The task.</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="family">The family to train.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There are no images there.</exception>
    public static DataAdvice For(ITask task, string path, IModelFamily family, CancellationToken cancellation)
    {
        DataAdvice.Bytes(path, Mention.Field(task.Name), cancellation);
        ImageSource source = ImageSource.Read(new DataSection { Source = path }, seed: 0, new ReadingReport(),
            progress: null, cancellation);
        (int images, ImageSchema schema) = (source.Images.Count, source.Schema);
        List<string> overrides = [.. DataAdvice.Source(path), $"data.kind={task.Name}", $"model.family={family.Name}"];
        int width = Rounded(schema.Width), height = Rounded(schema.Height);
        if ((width, height) != (schema.Width, schema.Height))
            overrides.AddRange([$"data.image.width={width}", $"data.image.height={height}"]);
        // Enough steps that an image is seen some twenty times, but minutes on two cores; the fewer images, the more
        // each is varied.
        int batch = Math.Clamp(images / 20, 8, 64), steps = Math.Clamp(20 * images / batch, 500, 3000);
        overrides.AddRange([$"training.batchSize={batch}", $"training.steps={steps}", "training.ema=0.995",
            $"training.sampleEvery={steps / 5}", $"training.evaluateEvery={steps / 10}"]);
        if (images < 2000 && schema.Channels == 3)
            overrides.Add("data.image.augment.flip=true");
        if (schema.Classes.Count > 1 && family is IClassConditional conditional)
            overrides.Add(conditional.ClassSetting);
        string classes = schema.Classes.Count > 0 ? Quantity.Of(schema.Classes.Count, "class") : "no classes";
        return new DataAdvice(overrides, string.Create(CultureInfo.InvariantCulture,
            $"{Quantity.Of(images, "image")} of {width} × {height} in {schema.ColourName}, {classes}"));
    }

    private static int Rounded(int side) => Math.Max(Multiple, (side + (Multiple / 2)) / Multiple * Multiple);
}
