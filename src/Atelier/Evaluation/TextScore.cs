namespace Atelier.Evaluation;

/// <summary>How a model did on a stretch of held-out text: sums, so that stretches add up.</summary>
/// <param name="Nats">Minus the log-probability of its tokens together.</param>
/// <param name="Tokens">Tokens predicted.</param>
/// <param name="Characters">Unicode scalar values they stand for; a document's end counts as one.</param>
/// <param name="Bytes">Bytes of UTF-8 they stand for; a document's end counts as one.</param>
/// <param name="Correct">Tokens that the model held likeliest.</param>
public readonly record struct TextScore(double Nats, long Tokens, long Characters, long Bytes, long Correct)
{
    /// <summary>Both stretches together.</summary>
    public static TextScore operator +(TextScore left, TextScore right) => new(
        left.Nats + right.Nats, left.Tokens + right.Tokens, left.Characters + right.Characters, left.Bytes + right.Bytes, left.Correct + right.Correct);
}

/// <summary>A figure with a confidence interval.</summary>
/// <param name="Value">The figure.</param>
/// <param name="Low">The lower end of the central 95 %.</param>
/// <param name="High">The upper end.</param>
/// <param name="Unit">What it is counted in.</param>
public sealed record Metric(double Value, double Low, double High, string Unit);

/// <summary>The figures that held-out text gives.</summary>
public static class TextMetrics
{
    /// <summary>Each figure by its name: how it follows from sums, and its unit.</summary>
    private static readonly (string Name, string Unit, Func<TextScore, double> Of)[] Figures =
    [
        ("crossEntropyPerCharacter", "nats", s => s.Nats / s.Characters),
        ("crossEntropyPerToken", "nats", s => s.Nats / s.Tokens),
        ("bitsPerByte", "bits", s => s.Nats / s.Bytes / Math.Log(2)),
        ("perplexity", "per token", s => Math.Exp(s.Nats / s.Tokens)),
        ("accuracy", "share of tokens", s => (double)s.Correct / s.Tokens),
    ];

    /// <summary>The figures with 95 % bootstrap intervals over stretches of text.</summary>
    /// <param name="scores">The stretches: documents, or blocks of a long one.</param>
    /// <param name="samples">Resamplings.</param>
    /// <param name="seed">Of the resamplings.</param>
    public static IReadOnlyDictionary<string, Metric> Of(IReadOnlyList<TextScore> scores, int samples, long seed)
    {
        TextScore all = scores.Aggregate((left, right) => left + right);
        TextScore[] drawn = Bootstrap.Resample(scores, samples, seed);
        return Figures.ToDictionary(f => f.Name, f =>
        {
            (double low, double high) = Bootstrap.Central([.. drawn.Select(f.Of)]);
            return new Metric(f.Of(all), low, high, f.Unit);
        });
    }
}

/// <summary>Confidence intervals by drawing the data anew with replacement (Efron 1979).</summary>
public static class Bootstrap
{
    /// <summary>Sums of as many stretches as there are, drawn with replacement.</summary>
    /// <param name="scores">The stretches.</param>
    /// <param name="samples">How many sums.</param>
    /// <param name="seed">Of the draws.</param>
    public static TextScore[] Resample(IReadOnlyList<TextScore> scores, int samples, long seed)
    {
        var sums = new TextScore[samples];
        Parallel.For(0, samples, i =>
        {
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)i));
            TextScore sum = default;
            for (int draw = 0; draw < scores.Count; draw++)
                sum += scores[(int)random.Next(scores.Count)];
            sums[i] = sum;
        });
        return sums;
    }

    /// <summary>The central 95 % of values (the percentile interval).</summary>
    public static (double Low, double High) Central(double[] values)
    {
        Array.Sort(values);
        return (values[(int)(0.025 * (values.Length - 1))], values[(int)Math.Ceiling(0.975 * (values.Length - 1))]);
    }
}
