using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Data.Images;

/// <summary>
/// Batches of images. If shuffled, each epoch takes every image once, in an order that depends on the seed and the
/// epoch, so that a batch is a function of the seed and its number. Otherwise images keep their order.
/// </summary>
public sealed class ImageBatches : ClassedBatches<ImageBatch>
{
    private readonly ImagePart _part;
    private readonly ImageAugmentation? _augmentation;

    /// <summary>Creates the source. It does not dispose the part.</summary>
    /// <param name="part">The images.</param>
    /// <param name="batchSize">Images in a batch; at least 1. A smaller part gives smaller batches.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffled">Whether each epoch has its own order.</param>
    /// <param name="augment">The augmentation, by the seed and the image's number; null for none.</param>
    /// <exception cref="AtelierException">There are no images.</exception>
    public ImageBatches(ImagePart part, int batchSize, long seed, bool shuffled, AugmentSection? augment = null)
        : base(part.Count, batchSize, seed, shuffled, "images")
    {
        _part = part;
        _augmentation = augment is null || augment == new AugmentSection() ? null
            : new ImageAugmentation(augment, part.Schema);
    }

    /// <summary>Whether the images are augmented.</summary>
    internal bool AreAugmented => _augmentation is not null;

    /// <inheritdoc/>
    public override ImageBatch Get(long number)
    {
        ImageSchema schema = _part.Schema;
        IReadOnlyList<int> places = Places(number);
        int count = places.Count;
        var pixels = new float[count * schema.Size];
        var image = new byte[schema.Size];
        for (int i = 0; i < count; i++)
        {
            _part.Read(places[i], image);
            Span<float> scaled = pixels.AsSpan(i * schema.Size, schema.Size);
            Scale(image, scaled);
            _augmentation?.Apply(scaled, Random(number, i));
        }
        return new ImageBatch(tensor(pixels, count, schema.Channels, schema.Height, schema.Width),
            tensor(places.Select(Label).ToArray()));
    }

    /// <summary>Returns the label of the image at a position in the part.</summary>
    internal long Label(int place) => _part.Labels[place];

    /// <summary>Scales values from 0 to 255 to the range from −1 to 1.</summary>
    internal static void Scale(ReadOnlySpan<byte> image, Span<float> target)
    {
        for (int i = 0; i < image.Length; i++)
            target[i] = (image[i] / 127.5f) - 1;
    }

    /// <summary>Returns images with values from 0 to 255 as [count, channels, height, width], −1 to 1.</summary>
    internal static Tensor Scaled(ReadOnlySpan<byte> planes, ImageSchema schema)
    {
        var values = new float[planes.Length];
        Scale(planes, values);
        return tensor(values, planes.Length / schema.Size, schema.Channels, schema.Height, schema.Width);
    }
}
