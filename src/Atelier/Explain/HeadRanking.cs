using Atelier.Abstractions;
using Atelier.Evaluation;

namespace Atelier.Explain;

/// <summary>What an attention head does, and what the model loses without it.</summary>
/// <param name="Head">The head.</param>
/// <param name="Increase">The increase of the cross-entropy when the output of the head is zero, in nats per token,
/// with its 95 % interval over passages; above 0 where the model needs the head.</param>
/// <param name="Induction">The induction score: the mean attention from the second occurrence of a token to the token
/// after the first one, in random sequences that are repeated (Olsson et al. 2022).</param>
/// <param name="PreviousToken">The mean attention to the token before, in the same sequences.</param>
public sealed record RankedHead(AttentionHead Head, Metric Increase, double Induction, double PreviousToken)
{
    /// <summary>The score from which a head has a name.</summary>
    public const double NamedFrom = 0.4;

    /// <summary>"induction head", "previous-token head", or null.</summary>
    public string? Name => Induction >= NamedFrom && Induction >= PreviousToken ? "induction head"
        : PreviousToken >= NamedFrom ? "previous-token head" : null;
}

/// <summary>
/// The attention heads of a model, those that it needs most first: each is ablated alone, which sets its output to
/// zero (Michel et al. 2019), and read on random sequences that are repeated (Olsson et al. 2022).
/// </summary>
/// <param name="Passages">Number of passages.</param>
/// <param name="Tokens">Number of tokens that were predicted in them.</param>
/// <param name="CrossEntropy">The cross-entropy of the whole model, in nats per token.</param>
/// <param name="Heads">The heads, the largest increase first.</param>
public sealed record HeadRanking(int Passages, int Tokens, double CrossEntropy, IReadOnlyList<RankedHead> Heads)
{
    private const int RepeatedSequences = 8, MostRepeated = 32, BootstrapSamples = 1000;

    /// <summary>Ranks the heads of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="passages">The passages, each of 2 to the context length + 1 tokens.</param>
    /// <param name="startId">The token that begins the random sequences. It is not among their tokens.</param>
    /// <param name="seed">The seed of the random sequences and of the bootstrap.</param>
    /// <param name="progress">Receives a message after each layer.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The model has no heads, or reads too few tokens.</exception>
    public static HeadRanking Of(ILanguageModel model, IReadOnlyList<ReadOnlyMemory<int>> passages, int startId,
        long seed = 1, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        IAttentionHeads heads = model as IAttentionHeads
            ?? throw new AtelierException("this kind of model has no attention heads that can be ablated", null,
                "use a decoder with attention, such as the family 'gpt'");
        (double[] induction, double[] previous) = Scores(heads, model, startId, seed, cancellation);
        MeanScore[] whole = Losses(model.Score(passages, cancellation));
        MeanScore total = Bootstrap.Total(whole);
        var ranked = new List<RankedHead>();
        for (int i = 0; i < induction.Length; i++)
        {
            var head = new AttentionHead(i / heads.HeadCount, i % heads.HeadCount);
            MeanScore[] without = Losses(heads.ScoreWithout(head, passages, cancellation));
            ranked.Add(new(head, MeanScore.Difference(without, whole, BootstrapSamples, seed, "nats/token"),
                induction[i], previous[i]));
            if (head.Head == heads.HeadCount - 1)
                progress?.Report($"layer {head.Layer + 1} of {heads.LayerCount}: "
                    + $"{Quantity.Of(heads.HeadCount, "head")} ablated");
        }
        return new(passages.Count, (int)total.Weight, total.Quotient,
            [.. ranked.OrderByDescending(one => one.Increase.Value)]);
    }

    private static MeanScore[] Losses(IReadOnlyList<TokenScore[]> scores) =>
        [.. scores.Select(passage => new MeanScore(-passage.Sum(one => one.LogProbability), passage.Length))];

    /// <summary>The induction score and the previous-token score of each head, by layer.</summary>
    private static (double[] Induction, double[] Previous) Scores(IAttentionHeads heads, ILanguageModel model,
        int startId, long seed, CancellationToken cancellation)
    {
        int length = Math.Min(MostRepeated, Math.Min(model.VocabularySize - 1, (model.ContextLength - 1) / 2));
        if (length < 2)
            throw new AtelierException("the model reads too few tokens to repeat two of them", null,
                "use one with a context of at least 5 tokens and a vocabulary of at least 3");
        var random = new SplitMix64((ulong)seed);
        double[] induction = new double[heads.LayerCount * heads.HeadCount], previous = new double[induction.Length];
        int count = (2 * length) + 1;
        for (int repeat = 0; repeat < RepeatedSequences; repeat++)
        {
            cancellation.ThrowIfCancellationRequested();
            int[] tokens = Different(model.VocabularySize, startId, length, ref random);
            IReadOnlyList<float[]> attention = heads.Attention((int[])[startId, .. tokens, .. tokens]);
            for (int i = 0; i < induction.Length; i++)
            {
                float[] weights = attention[i / heads.HeadCount];
                int at = i % heads.HeadCount * count;
                // the second occurrence of the token at query − length is at query
                for (int query = length + 1; query < count; query++)
                    induction[i] += weights[((at + query) * count) + query - length + 1];
                for (int query = 2; query < count; query++)
                    previous[i] += weights[((at + query) * count) + query - 1];
            }
        }
        return ([.. induction.Select(sum => sum / (RepeatedSequences * length))],
            [.. previous.Select(sum => sum / (RepeatedSequences * (count - 2)))]);
    }

    /// <summary>Draws different tokens other than the start, so that only one place is the right one.</summary>
    private static int[] Different(int vocabulary, int startId, int count, ref SplitMix64 random)
    {
        var drawn = new HashSet<int>();
        while (drawn.Count < count)
        {
            int token = (int)random.Next(vocabulary);
            if (token != startId)
                drawn.Add(token);
        }
        return [.. drawn];
    }
}
