using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Data.Audio;

/// <summary>
/// Batches of sounds. If shuffled, each epoch takes every clip once, in an order that depends on the seed and the epoch,
/// so that a batch is a function of the seed and its number. Otherwise clips keep their order.
/// </summary>
public sealed class AudioBatches : IBatchSource<AudioBatch>
{
    private readonly AudioPart _part;
    private readonly EpochOrder _order;
    private readonly AudioAugmentation? _augmentation;
    private readonly ulong _seed;

    /// <summary>Creates the source. It does not dispose the part.</summary>
    /// <param name="part">The sounds.</param>
    /// <param name="batchSize">Clips in a batch; at least 1. A smaller part gives smaller batches.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffled">Whether each epoch has its own order.</param>
    /// <param name="augment">The augmentation, by the seed and the clip's number; null for none.</param>
    /// <exception cref="AtelierException">There are no sounds.</exception>
    public AudioBatches(AudioPart part, int batchSize, long seed, bool shuffled, AudioAugmentSection? augment = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (part.Count == 0)
            throw new AtelierException("there are no sounds to train on", "data.split",
                "provide more sounds, or change the split");
        (_part, _seed) = (part, (ulong)seed);
        _order = new EpochOrder(part.Count, batchSize, _seed, shuffled);
        _augmentation = augment is null ? null : AudioAugmentation.Of(augment, part.Schema);
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch => _order.BatchesPerEpoch;

    /// <inheritdoc/>
    public long ItemsPerBatch => _order.BatchSize;

    /// <inheritdoc/>
    /// <remarks>If not shuffled, the last batch of an epoch may have fewer clips; if shuffled, clips that do not fill a
    /// batch are left to other epochs.</remarks>
    public AudioBatch Get(long number)
    {
        AudioSchema schema = _part.Schema;
        IReadOnlyList<int> places = Places(number);
        var samples = new float[places.Count * schema.Size];
        for (int i = 0; i < places.Count; i++)
        {
            Span<float> clip = samples.AsSpan(i * schema.Size, schema.Size);
            if (_augmentation is null)
                _part.Read(places[i], clip);
            else
                _augmentation.Read(_part, places[i], clip,
                    new SplitMix64(SplitMix64.At(~_seed, (ulong)((number * _order.BatchSize) + i))));
        }
        return new AudioBatch(tensor(samples, places.Count, schema.Channels, schema.ClipFrames),
            tensor(places.Select(place => (long)_part.Labels[place]).ToArray()));
    }

    /// <summary>The positions of a batch's clips in the part.</summary>
    /// <param name="number">The number of the batch.</param>
    internal IReadOnlyList<int> Places(long number) => _order.Places(number);
}
