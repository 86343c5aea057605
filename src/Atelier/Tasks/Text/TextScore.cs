using System.Numerics;
using Atelier.Evaluation;

namespace Atelier.Tasks.Text;

/// <summary>The score of a stretch of held-out text (a document or a block), as sums that can be added.</summary>
/// <param name="Nats">The negative log-probability of its tokens, in nats.</param>
/// <param name="Tokens">The number of predicted tokens.</param>
/// <param name="Characters">The number of Unicode scalar values in the tokens; a document's end counts as one.</param>
/// <param name="Bytes">The number of bytes of the tokens in UTF-8; a document's end counts as one.</param>
/// <param name="Correct">The number of tokens that the model predicted as most probable.</param>
public readonly record struct TextScore(double Nats, long Tokens, long Characters, long Bytes, long Correct)
    : IAdditionOperators<TextScore, TextScore, TextScore>
{
    /// <summary>Adds the scores of two stretches.</summary>
    public static TextScore operator +(TextScore left, TextScore right) => new(
        left.Nats + right.Nats, left.Tokens + right.Tokens, left.Characters + right.Characters,
        left.Bytes + right.Bytes, left.Correct + right.Correct);
}

/// <summary>The metrics of held-out text.</summary>
public static class TextMetrics
{
    /// <summary>Converts scores to the headline metric: nats per character.</summary>
    internal static IReadOnlyList<MeanScore> PerCharacter(IEnumerable<TextScore> scores) =>
        [.. scores.Select(s => new MeanScore(s.Nats, s.Characters))];

    /// <summary>The metrics, each with its name, its unit, and its formula in terms of the sums.</summary>
    private static readonly (string Name, string Unit, Func<TextScore, double> Of)[] Figures =
    [
        ("crossEntropyPerCharacter", "nats", s => s.Nats / s.Characters),
        ("crossEntropyPerToken", "nats", s => s.Nats / s.Tokens),
        ("bitsPerByte", "bits", s => s.Nats / s.Bytes / Math.Log(2)),
        ("perplexity", "per token", s => Math.Exp(s.Nats / s.Tokens)),
        ("accuracy", "share of tokens", s => (double)s.Correct / s.Tokens),
    ];

    /// <summary>Computes all metrics, with 95 % bootstrap intervals over stretches of text.</summary>
    /// <param name="scores">The scores of stretches: documents, or blocks of long documents.</param>
    /// <param name="samples">The number of bootstrap resamples.</param>
    /// <param name="seed">The seed of the bootstrap.</param>
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
