using static TorchSharp.torch;

namespace Atelier.Data.Audio;

/// <summary>
/// Batches of sounds as codes. If shuffled, each epoch takes every clip once, in an order that depends on the seed and
/// the epoch. Otherwise clips keep their order, and the last batch of an epoch may be smaller.
/// </summary>
public sealed class CodeBatches : IBatchSource<CodeBatch>
{
    private readonly CodePart _part;
    private readonly EpochOrder _order;

    /// <summary>Creates the source. It does not dispose the part.</summary>
    /// <param name="part">The clips.</param>
    /// <param name="batchSize">Clips in a batch; at least 1. A smaller part gives smaller batches.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffled">Whether each epoch has its own order.</param>
    /// <exception cref="AtelierException">There are no sounds.</exception>
    public CodeBatches(CodePart part, int batchSize, long seed, bool shuffled)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (part.Count == 0)
            throw new AtelierException("there are no sounds to train on", "data.split",
                "provide more sounds, or change the split");
        (_part, _order) = (part, new EpochOrder(part.Count, batchSize, (ulong)seed, shuffled));
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch => _order.BatchesPerEpoch;

    /// <inheritdoc/>
    public long ItemsPerBatch => _order.BatchSize;

    /// <inheritdoc/>
    public CodeBatch Get(long number)
    {
        IReadOnlyList<int> places = _order.Places(number);
        CodeShape shape = _part.Shape;
        var codes = new long[places.Count * shape.Size];
        for (int i = 0; i < places.Count; i++)
            _part.Read(places[i], codes.AsSpan(i * shape.Size, shape.Size));
        return new CodeBatch(tensor(codes, places.Count, shape.Codebooks, shape.Frames),
            tensor(places.Select(place => (long)_part.Labels[place]).ToArray()));
    }
}
