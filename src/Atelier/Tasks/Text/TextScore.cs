using System.Numerics;
using Atelier.Evaluation;

namespace Atelier.Tasks.Text;

/// <summary>The scores of a stretch of held-out text, as sums that can be added.</summary>
/// <param name="Nats">Minus the log-probability of its tokens together.</param>
/// <param name="Tokens">Tokens predicted.</param>
/// <param name="Characters">Unicode scalar values they stand for; a document's end counts as one.</param>
/// <param name="Bytes">Bytes of UTF-8 they stand for; a document's end counts as one.</param>
/// <param name="Correct">Number of tokens that were the model's most probable ones.</param>
public readonly record struct TextScore(double Nats, long Tokens, long Characters, long Bytes, long Correct)
    : IAdditionOperators<TextScore, TextScore, TextScore>
{
    /// <summary>Both stretches together.</summary>
    public static TextScore operator +(TextScore left, TextScore right) => new(
        left.Nats + right.Nats, left.Tokens + right.Tokens, left.Characters + right.Characters,
            left.Bytes + right.Bytes, left.Correct + right.Correct);
}

/// <summary>The metrics of held-out text.</summary>
public static class TextMetrics
{
    /// <summary>The stretches as the headline figure takes them: nats over characters.</summary>
    internal static IReadOnlyList<MeanScore> PerCharacter(IEnumerable<TextScore> scores) =>
        [.. scores.Select(s => new MeanScore(s.Nats, s.Characters))];

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
