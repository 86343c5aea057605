using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Data.Audio;

/// <summary>
/// Batches of sounds. If shuffled, each epoch takes every clip once, in an order that depends on the seed and the
/// epoch, so that a batch is a function of the seed and its number. Otherwise clips keep their order.
/// </summary>
public sealed class AudioBatches : ClassedBatches<AudioBatch>
{
    private readonly AudioPart _part;
    private readonly AudioAugmentation? _augmentation;

    /// <summary>Creates the source. It does not dispose the part.</summary>
    /// <param name="part">The sounds.</param>
    /// <param name="batchSize">Clips in a batch; at least 1. A smaller part gives smaller batches.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffled">Whether each epoch has its own order.</param>
    /// <param name="augment">The augmentation, by the seed and the clip's number; null for none.</param>
    /// <exception cref="AtelierException">There are no sounds.</exception>
    public AudioBatches(AudioPart part, int batchSize, long seed, bool shuffled, AudioAugmentSection? augment = null)
        : base(part.Count, batchSize, seed, shuffled, "sounds")
    {
        _part = part;
        _augmentation = augment is null ? null : AudioAugmentation.Of(augment, part.Schema);
    }

    /// <inheritdoc/>
    public override AudioBatch Get(long number)
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
                _augmentation.Read(_part, places[i], clip, Random(number, i));
        }
        return new AudioBatch(tensor(samples, places.Count, schema.Channels, schema.ClipFrames),
            tensor(places.Select(place => (long)_part.Labels[place]).ToArray()));
    }
}
