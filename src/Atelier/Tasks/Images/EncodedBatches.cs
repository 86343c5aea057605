using Atelier.Data;
using Atelier.Data.Images;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>
/// Batches of latents in place of images. The latents of an image are computed once and cached, unless the images are
/// augmented or their latents are too many to cache.
/// </summary>
/// <param name="images">The images.</param>
/// <param name="autoencoder">The autoencoder that encodes them.</param>
internal sealed class EncodedBatches(ImageBatches images, FrozenAutoencoder autoencoder) : IBatchSource<ImageBatch>
{
    private const long MostKept = 1 << 28; // numbers: a gigabyte
    private readonly int _size = (int)(autoencoder.Shape[0] * autoencoder.Shape[1] * autoencoder.Shape[2]);
    private readonly Dictionary<int, float[]> _known = [];

    /// <inheritdoc/>
    public long BatchesPerEpoch => images.BatchesPerEpoch;

    /// <inheritdoc/>
    public long ItemsPerBatch => images.ItemsPerBatch;

    /// <inheritdoc/>
    public ImageBatch Get(long number)
    {
        IReadOnlyList<int> places = images.Places(number);
        if (!images.AreAugmented && places.All(_known.ContainsKey))
        {
            float[] latents = [.. places.SelectMany(place => _known[place])];
            return new ImageBatch(tensor(latents, [places.Count, .. autoencoder.Shape]),
                tensor(places.Select(images.Label).ToArray()));
        }
        using ImageBatch batch = images.Get(number);
        Device device = autoencoder.parameters().First().device;
        using Tensor seen = batch.Images.to(device).alias();
        Tensor encoded = Encode(seen);
        if (!images.AreAugmented && (long)(_known.Count + places.Count) * _size <= MostKept)
        {
            float[] values = encoded.data<float>().ToArray();
            for (int i = 0; i < places.Count; i++)
                _known[places[i]] = values[(i * _size)..((i + 1) * _size)];
        }
        return new ImageBatch(encoded, batch.Labels.clone());
    }

    private Tensor Encode(Tensor seen)
    {
        using var scope = NewDisposeScope();
        return autoencoder.Encode(seen).cpu().contiguous().DetachFromDisposeScope();
    }
}
