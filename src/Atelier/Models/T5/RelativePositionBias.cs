using Atelier.Layers;
using Atelier.Networks;
using static TorchSharp.torch;

namespace Atelier.Models.T5;

/// <summary>
/// Biases that are added to the scores of attention: one for each head and each range of distances from query to key
/// (Raffel et al. 2020, section 2.1). All blocks of a stack share them. Half of the ranges hold a single distance, and
/// the others grow logarithmically up to a longest distance.
/// </summary>
internal sealed class RelativePositionBias : nn.Module
{
    private readonly bool _bidirectional;
    private readonly RelativePositions _positions;

    /// <summary>Draws the biases from a normal distribution with mean 0.</summary>
    /// <param name="count">The number of ranges, a multiple of 4.</param>
    /// <param name="longest">The distance from which on all are in the last range; more than count / 2.</param>
    /// <param name="headCount">The number of heads.</param>
    /// <param name="bidirectional">Whether half of the ranges are for later keys; otherwise these share a range with
    /// the query's own position, which causal attention does not look beyond.</param>
    /// <param name="deviation">The standard deviation.</param>
    /// <param name="random">Draws the biases.</param>
    public RelativePositionBias(int count, int longest, int headCount, bool bidirectional, double deviation,
        Generator random)
        : base(nameof(RelativePositionBias))
    {
        (_bidirectional, _positions) = (bidirectional, new RelativePositions(count, longest));
        Biases = new Embedding(count, headCount, deviation, random);
        register_module("biases", Biases);
    }

    /// <summary>The bias of each range and head, [count, headCount].</summary>
    public Embedding Biases { get; }

    /// <summary>Computes the biases of queries that follow one another.</summary>
    /// <param name="start">The position of the first query.</param>
    /// <param name="time">The number of queries.</param>
    /// <param name="span">The number of keys, from position 0.</param>
    /// <returns>[headCount, 1, time, span].</returns>
    public Tensor Of(long start, long time, long span)
    {
        // a range for each distance from −(start + time − 1) to span − 1
        long last = start + time - 1;
        long[] ranges = new long[last + span];
        for (long i = 0; i < ranges.Length; i++)
            ranges[i] = _positions.BucketOf((int)(i - last), _bidirectional);
        long[] ids = new long[time * span];
        for (long t = 0; t < time; t++)
            Array.Copy(ranges, last - (start + t), ids, t * span, span);
        Tensor biases = Biases.forward(tensor(ids, time, span, device: Biases.Weight.device)); // [time, span, heads]
        return biases.permute(2, 0, 1).unsqueeze(1);
    }
}
