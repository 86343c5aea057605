using static TorchSharp.torch;

namespace Atelier.Data.Audio;

/// <summary>
/// Batches of sounds as codes. If shuffled, each epoch takes every clip once, in an order that depends on the seed and
/// the epoch. Otherwise clips keep their order, and the last batch of an epoch may be smaller.
/// </summary>
public sealed class CodeBatches : ClassedBatches<CodeBatch>
{
    private readonly CodePart _part;

    /// <summary>Creates the source. It does not dispose the part.</summary>
    /// <param name="part">The clips.</param>
    /// <param name="batchSize">Clips in a batch; at least 1. A smaller part gives smaller batches.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffled">Whether each epoch has its own order.</param>
    /// <exception cref="AtelierException">There are no sounds.</exception>
    public CodeBatches(CodePart part, int batchSize, long seed, bool shuffled)
        : base(part.Count, batchSize, seed, shuffled, "sounds")
    {
        _part = part;
    }

    /// <inheritdoc/>
    public override CodeBatch Get(long number)
    {
        IReadOnlyList<int> places = Places(number);
        CodeShape shape = _part.Shape;
        var codes = new long[places.Count * shape.Size];
        for (int i = 0; i < places.Count; i++)
            _part.Read(places[i], codes.AsSpan(i * shape.Size, shape.Size));
        return new CodeBatch(tensor(codes, places.Count, shape.Codebooks, shape.Frames),
            tensor(places.Select(place => (long)_part.Labels[place]).ToArray()));
    }
}
