using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Data.Images;

/// <summary>
/// Batches of images. If shuffled, each epoch takes every image once, in an order that depends on the seed and the
/// epoch, so that a batch is a function of the seed and its number. Otherwise images keep their order.
/// </summary>
public sealed class ImageBatches : IBatchSource<ImageBatch>
{
    private readonly ImagePart _part;
    private readonly int _batchSize;
    private readonly ulong _seed;
    private readonly bool _shuffled;
    private readonly ImageAugmentation? _augmentation;
    private int[] _order = [];
    private long _orderOf = -1; // the epoch of _order

    /// <summary>Creates the source. It does not dispose the part.</summary>
    /// <param name="part">The images.</param>
    /// <param name="batchSize">Images in a batch; at least 1. A smaller part gives smaller batches.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffled">Whether each epoch has its own order.</param>
    /// <param name="augment">The augmentation, by the seed and the image's number; null for none.</param>
    /// <exception cref="AtelierException">There are no images.</exception>
    public ImageBatches(ImagePart part, int batchSize, long seed, bool shuffled, AugmentSection? augment = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (part.Count == 0)
            throw new AtelierException("there are no images to train on", "data.split",
                "provide more images, or change the split");
        (_part, _batchSize, _seed, _shuffled) = (part, Math.Min(batchSize, part.Count), (ulong)seed, shuffled);
        _augmentation = augment is null || augment == new AugmentSection() ? null
            : new ImageAugmentation(augment, part.Schema);
        BatchesPerEpoch = shuffled ? part.Count / _batchSize : (part.Count + _batchSize - 1) / _batchSize;
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch { get; }

    /// <inheritdoc/>
    public long ItemsPerBatch => _batchSize;

    /// <summary>Whether the images are augmented.</summary>
    internal bool AreAugmented => _augmentation is not null;

    /// <inheritdoc/>
    /// <remarks>If not shuffled, the last batch of an epoch may have fewer images; if shuffled, images that do not fill
    /// a batch are left to other epochs.</remarks>
    public ImageBatch Get(long number)
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
            _augmentation?.Apply(scaled, new SplitMix64(SplitMix64.At(~_seed, (ulong)((number * _batchSize) + i))));
        }
        return new ImageBatch(tensor(pixels, count, schema.Channels, schema.Height, schema.Width),
            tensor(places.Select(Label).ToArray()));
    }

    /// <summary>The positions of a batch's images in the part.</summary>
    /// <param name="number">The number of the batch.</param>
    internal IReadOnlyList<int> Places(long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        (long epoch, long at) = Math.DivRem(number, BatchesPerEpoch);
        int first = (int)at * _batchSize, count = Math.Min(_batchSize, _part.Count - first);
        return _shuffled ? new ArraySegment<int>(Order(epoch), first, count) : [.. Enumerable.Range(first, count)];
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

    /// <summary>Returns the order of an epoch (Fisher and Yates).</summary>
    private int[] Order(long epoch)
    {
        if (_orderOf == epoch)
            return _order;
        _order = [.. Enumerable.Range(0, _part.Count)];
        var random = new SplitMix64(SplitMix64.At(_seed, (ulong)epoch));
        for (int i = _order.Length - 1; i > 0; i--)
        {
            int j = (int)random.Next(i + 1);
            (_order[i], _order[j]) = (_order[j], _order[i]);
        }
        _orderOf = epoch;
        return _order;
    }
}
