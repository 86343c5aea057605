using System.Globalization;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Images;

/// <summary>
/// Images of one size, split into training, validation and test parts, in a folder that can be opened again.
/// </summary>
public sealed class ImageData : IDataSource, IImageView
{
    private static readonly string[] PartNames = ["train", "validation", "test"];

    private ImageData(PreparedFacts facts, ImagePart train, ImagePart validation, ImagePart test) =>
        (Facts, Train, Validation, Test) = (facts, train, validation, test);

    /// <inheritdoc/>
    public Modality Modality => Modality.Image;

    /// <summary>The source of the data.</summary>
    public PreparedFacts Facts { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The size, channels and classes of the images.</summary>
    public ImageSchema Schema => Train.Schema;

    /// <summary>The training data.</summary>
    public ImagePart Train { get; }

    /// <summary>The validation data; may be empty.</summary>
    public ImagePart Validation { get; }

    /// <summary>The test images; may be empty.</summary>
    public ImagePart Test { get; }

    /// <summary>Reads and splits a source, and writes its images with images.json and facts.json.</summary>
    /// <param name="section">What to read and how. A source that holds out images itself (MNIST's t10k files) keeps
    /// them as the test part.</param>
    /// <param name="seed">The seed of the split and of a world's images.</param>
    /// <param name="folder">The folder to write.</param>
    /// <param name="schema">The images of a model to evaluate; null detects the schema.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing, has no images, or does not fit the
    /// section.</exception>
    public static ImageData Prepare(DataSection section, long seed, string folder, ImageSchema? schema = null,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        if (schema is not null)
            section = section with { Image =
                section.Image with { Width = schema.Width, Height = schema.Height, Channels = schema.Channels } };
        var source = ImageSource.Read(section, seed, report, progress, cancellation);
        if (schema is not null
            && (source.Schema.Size != schema.Size || !source.Schema.Classes.SequenceEqual(schema.Classes)))
            throw new AtelierException("the images have another size or other classes than those of the model",
                section.Source, "evaluate it on images of the same size and classes");
        int classes = source.Schema.Classes.Count;
        report.Note(string.Create(CultureInfo.InvariantCulture,
            $"{Quantity.Of(source.Images.Count + source.Test.Count, "image")} of {source.Schema.Width} × "
                + $"{source.Schema.Height}, {(classes == 0 ? "without classes" : Quantity.Of(classes, "class"))}."));
        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        source.Schema.Write(folder);
        foreach ((string name, IReadOnlyList<(byte[], int)> images) in Split(source, section.Split, seed))
            ImagePart.Write(folder, name, source.Schema, images);
        new PreparedFacts { Source = section.Source, Notes = report.Notes }.Write(folder);
        return Open(folder);
    }

    /// <summary>Writes images that were made from other data to a folder, and opens it.</summary>
    /// <param name="folder">The folder to write.</param>
    /// <param name="facts">The facts of the other data.</param>
    /// <param name="schema">The size, channels and classes of the images.</param>
    /// <param name="parts">The images and labels of the training, validation and test part.</param>
    internal static ImageData Create(string folder, PreparedFacts facts, ImageSchema schema,
        IReadOnlyList<IReadOnlyList<(byte[] Pixels, int Label)>> parts)
    {
        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        schema.Write(folder);
        foreach ((string name, IReadOnlyList<(byte[], int)> images) in PartNames.Zip(parts))
            ImagePart.Write(folder, name, schema, images);
        facts.Write(folder);
        return Open(folder);
    }

    ImageData IImageView.AsImages(DataSection section) => this;

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder is not one, or was damaged.</exception>
    public static ImageData Open(string folder)
    {
        var facts = PreparedFacts.Read(folder);
        var schema = ImageSchema.Read(folder);
        return new ImageData(facts, ImagePart.Open(folder, "train", schema),
            ImagePart.Open(folder, "validation", schema), ImagePart.Open(folder, "test", schema));
    }

    /// <summary>
    /// The same images as test part, with those that a model was trained on as training part; the other parts of both
    /// are closed.
    /// </summary>
    internal ImageData Learning(ImageData? learned)
    {
        if (learned is null)
            return this;
        Train.Dispose();
        learned.Validation.Dispose();
        learned.Test.Dispose();
        return new ImageData(Facts, learned.Train, Validation, Test);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
        Test.Dispose();
    }

    /// <summary>Returns the parts by name, shuffled by the seed if the split says so.</summary>
    private static IEnumerable<(string Name, IReadOnlyList<(byte[], int)> Images)> Split(ImageSource source,
        SplitSection split, long seed)
    {
        if (split.Train == 0) // all data is for evaluation, whatever the source holds out
            source = source with { Images = [.. source.Images, .. source.Test], Test = [] };
        (byte[], int)[] images = [.. source.Images];
        var random = new SplitMix64(SplitMix64.At((ulong)seed, 0));
        for (int i = images.Length - 1; split.Shuffle && i > 0; i--)
        {
            int j = (int)random.Next(i + 1);
            (images[i], images[j]) = (images[j], images[i]);
        }
        bool heldBySource = source.Test.Count > 0;
        int test = heldBySource ? 0 : (int)Math.Round(split.Test * images.Length);
        int validation = Math.Min((int)Math.Round(split.Validation * images.Length), images.Length - test);
        int train = heldBySource ? images.Length - validation
            : Math.Min((int)Math.Round(split.Train * images.Length), images.Length - test - validation);
        yield return ("train", images[..train]);
        yield return ("validation", images[train..(train + validation)]);
        yield return ("test", heldBySource ? source.Test : images[(train + validation)..(train + validation + test)]);
    }
}
