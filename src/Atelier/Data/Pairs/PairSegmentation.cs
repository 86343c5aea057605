using Atelier.Tokenizers;

namespace Atelier.Data.Pairs;

/// <summary>Tokenizes pairs anew in each epoch, with merges left out at random (Provilkov et al. 2020).</summary>
internal sealed class PairSegmentation
{
    private readonly BpeTokenizer _source, _target;
    private readonly string _prefix;
    private readonly double _dropout;
    private readonly ulong _seed;

    private PairSegmentation(BpeTokenizer source, BpeTokenizer target, string prefix, double dropout, long seed) =>
        (_source, _target, _prefix, _dropout, _seed) = (source, target, prefix, dropout, (ulong)seed);

    /// <summary>Creates the segmentation; null if no merges are left out.</summary>
    /// <param name="data">The data with their tokenizers.</param>
    /// <param name="prefix">The text before every source.</param>
    /// <param name="dropout">The probability of leaving out a merge, from 0 to 1.</param>
    /// <param name="seed">The seed of the random choices.</param>
    /// <exception cref="AtelierException">A tokenizer is not a BPE tokenizer.</exception>
    public static PairSegmentation? Of(PairData data, string prefix, double dropout, long seed)
    {
        static BpeTokenizer Bpe(Tokenizer tokenizer) => tokenizer as BpeTokenizer
            ?? throw new AtelierException($"leaves out merges, which a {tokenizer.Kind} tokenizer does not have",
                "data.pairs.bpeDropout", "set data.tokenizer.kind to bpe, or leave it out");
        return dropout == 0 ? null
            : new(Bpe(data.SourceTokenizer), Bpe(data.TargetTokenizer), prefix, dropout, seed);
    }

    /// <summary>
    /// Returns the tokens of a pair, without special tokens. They depend on the seed, the epoch and the pair alone.
    /// </summary>
    /// <param name="texts">The texts of the pair.</param>
    /// <param name="epoch">The number of the epoch, from 0.</param>
    /// <param name="pair">The index of the pair.</param>
    public EncodedPair Encode(TextPair texts, long epoch, int pair)
    {
        var random = new SplitMix64(SplitMix64.At(SplitMix64.At(_seed, (ulong)epoch), (ulong)pair));
        List<int> source = [], target = [];
        _source.Encode(_prefix + texts.Source, _dropout, ref random, source);
        _target.Encode(texts.Target, _dropout, ref random, target);
        return new EncodedPair(texts, [.. source], [.. target]);
    }
}
