namespace Atelier.Evaluation.Text;

/// <summary>
/// The share of texts that are equal to one of their references, 0 to 1. White space at the ends is ignored.
/// </summary>
public sealed record ExactMatch : IReferenceMetric<MeanScore>
{
    /// <inheritdoc/>
    public string Unit => "of texts";

    /// <inheritdoc/>
    public MeanScore Count(string hypothesis, IReadOnlyList<string> references)
    {
        ReferenceMetrics.RequireReference(references);
        return new(references.Max(r => hypothesis.AsSpan().Trim().SequenceEqual(r.AsSpan().Trim()) ? 1 : 0), 1);
    }

    /// <inheritdoc/>
    public double Value(MeanScore total) => total.Quotient;
}

/// <summary>
/// The share of positions at which a text has the token of its reference, 0 to 1. Positions that only one of them has
/// are errors. Of several references, the one with the highest share counts.
/// </summary>
/// <param name="Tokenization">How texts are split into tokens.</param>
public sealed record TokenAccuracy(BleuTokenization Tokenization = BleuTokenization.Mteval13a)
    : IReferenceMetric<MeanScore>
{
    /// <inheritdoc/>
    public string Unit => "of tokens";

    /// <summary>Compares two sequences of tokens, such as the ids of predicted and of expected tokens.</summary>
    /// <returns>The number of equal tokens and the length of the longer sequence.</returns>
    public static MeanScore Compare<T>(ReadOnlySpan<T> predicted, ReadOnlySpan<T> expected)
    {
        int shared = Math.Min(predicted.Length, expected.Length), equal = 0;
        for (int i = 0; i < shared; i++)
            equal += EqualityComparer<T>.Default.Equals(predicted[i], expected[i]) ? 1 : 0;
        return new(equal, Math.Max(predicted.Length, expected.Length));
    }

    /// <inheritdoc/>
    public MeanScore Count(string hypothesis, IReadOnlyList<string> references)
    {
        ReferenceMetrics.RequireReference(references);
        string[] tokens = BleuTokenizer.Tokens(hypothesis, Tokenization);
        return references.Select(r => Compare<string>(tokens, BleuTokenizer.Tokens(r, Tokenization)))
            .MaxBy(score => score.Weight == 0 ? 1 : score.Quotient);
    }

    /// <inheritdoc/>
    public double Value(MeanScore total) => total.Quotient;
}
