using Atelier.Data.Images;
using static TorchSharp.torch;

namespace Atelier.Data.Video;

/// <summary>
/// Batches of clips. If shuffled, each epoch takes every clip once, in an order that depends on the seed and the epoch,
/// so that a batch is a function of the seed and its number. Otherwise clips keep their order.
/// </summary>
public sealed class VideoBatches : ClassedBatches<VideoBatch>
{
    private readonly VideoPart _part;

    /// <summary>Creates the source. It does not dispose the part.</summary>
    /// <param name="part">The clips.</param>
    /// <param name="batchSize">Clips in a batch; at least 1. A smaller part gives smaller batches.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffled">Whether each epoch has its own order.</param>
    /// <exception cref="AtelierException">There are no clips.</exception>
    public VideoBatches(VideoPart part, int batchSize, long seed, bool shuffled)
        : base(part.Count, batchSize, seed, shuffled, "videos")
    {
        _part = part;
    }

    /// <inheritdoc/>
    public override VideoBatch Get(long number)
    {
        VideoSchema schema = _part.Schema;
        IReadOnlyList<int> places = Places(number);
        var values = new float[places.Count * schema.Size];
        var clip = new byte[schema.Size];
        for (int i = 0; i < places.Count; i++)
        {
            _part.Read(places[i], clip);
            ImageBatches.Scale(clip, values.AsSpan(i * schema.Size, schema.Size));
        }
        return new VideoBatch(Shaped(values, schema),
            tensor(places.Select(place => (long)_part.Labels[place]).ToArray()));
    }

    /// <summary>Returns values as [clips, frames, channels, height, width].</summary>
    internal static Tensor Shaped(float[] values, VideoSchema schema) => tensor(values,
        [values.Length / schema.Size, schema.Frames, schema.Channels, schema.Height, schema.Width]);
}
