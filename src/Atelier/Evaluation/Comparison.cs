namespace Atelier.Evaluation;

/// <summary>The basis of a comparison.</summary>
public enum ComparisonBasis
{
    /// <summary>The paired difference on the same held-out documents, rows or sequences.</summary>
    Paired,

    /// <summary>Two separate intervals: nothing was measured on the same pieces.</summary>
    Intervals,

    /// <summary>The Bayesian information criterion (Schwarz 1978), for metrics of the training rows.</summary>
    Bic,

    /// <summary>None: no data was held out, and there is no criterion that penalises parameters.</summary>
    None,
}

/// <summary>The outcome of a comparison.</summary>
public enum ComparisonOutcome
{
    /// <summary>The model is better, beyond what chance explains.</summary>
    Beaten,

    /// <summary>The model is worse, beyond what chance explains.</summary>
    NotBeaten,

    /// <summary>There is no clear difference, or too little data.</summary>
    Undecided,
}

/// <summary>The comparison of a model's headline metric with that of a baseline or another model.</summary>
/// <param name="Difference">The model's value minus the other's, with its 95 % interval; without one for BIC.</param>
/// <param name="Basis">The basis of the outcome.</param>
/// <param name="Outcome">The outcome.</param>
public sealed record Comparison(Metric Difference, ComparisonBasis Basis, ComparisonOutcome Outcome)
{
    /// <summary>
    /// The fewest pieces for a decision: with fewer, all may favour one side with a probability above 5 %.
    /// </summary>
    private const int FewestPieces = 6;

    /// <summary>
    /// Compares scores of the same held-out pieces: one is better where the paired interval excludes zero.
    /// </summary>
    /// <param name="own">The model's scores.</param>
    /// <param name="other">The other's scores of the same pieces.</param>
    /// <param name="headline">The figure.</param>
    /// <param name="samples">Number of resamplings.</param>
    /// <param name="seed">The seed of the resamplings.</param>
    public static Comparison Paired(IReadOnlyList<MeanScore> own, IReadOnlyList<MeanScore> other, Headline headline,
        int samples, long seed)
    {
        Metric difference = MeanScore.Difference(own, other, samples, seed, headline.Unit);
        int pieces = own.Zip(other).Count(pair => pair.First.Weight > 0 && pair.Second.Weight > 0);
        // One impossible row makes the whole impossible, though draws without it do not see it.
        bool impossible = double.IsInfinity(difference.Value) && !headline.IsBetter(difference.Value, 0);
        return new(difference, ComparisonBasis.Paired,
            impossible ? ComparisonOutcome.NotBeaten
            : pieces < FewestPieces ? ComparisonOutcome.Undecided
            : Decide(headline.IsBetter(difference.Low, 0) && headline.IsBetter(difference.High, 0),
                headline.IsBetter(0, difference.Low) && headline.IsBetter(0, difference.High)));
    }

    /// <summary>Compares metrics that cannot be paired: one is better if the intervals do not overlap.</summary>
    public static Comparison ByIntervals(Metric own, Metric other, Headline headline) => new(
        new Metric(own.Value - other.Value, own.Low - other.High, own.High - other.Low, headline.Unit),
        ComparisonBasis.Intervals,
        headline.MoreIsBetter
            ? Decide(own.Low > other.High, own.High < other.Low)
            : Decide(own.High < other.Low, own.Low > other.High));

    /// <summary>Compares models on their common training rows, by BIC.</summary>
    public static Comparison ByBic(double own, double other)
    {
        double difference = own - other;
        return new(new Metric(difference, difference, difference, "nats of BIC"), ComparisonBasis.Bic,
            Decide(difference > 0, difference < 0));
    }

    /// <summary>The result without a comparison, because no data was held out.</summary>
    public static Comparison NothingHeldOut(Metric own, Metric other, Headline headline) =>
        ByIntervals(own, other, headline) with { Basis = ComparisonBasis.None, Outcome = ComparisonOutcome.Undecided };

    /// <summary>The outcome in the words of a verdict.</summary>
    public override string ToString() => (Basis, Outcome) switch
    {
        (ComparisonBasis.None, _) => "no verdict: no data was held out",
        (ComparisonBasis.Bic, ComparisonOutcome.Beaten) => "beaten by BIC",
        (ComparisonBasis.Bic, _) => "not beaten by BIC",
        (_, ComparisonOutcome.Beaten) => "beaten",
        (_, ComparisonOutcome.NotBeaten) => "not beaten",
        _ => "not beaten: no clear difference",
    };

    private static ComparisonOutcome Decide(bool better, bool worse) =>
        better ? ComparisonOutcome.Beaten : worse ? ComparisonOutcome.NotBeaten : ComparisonOutcome.Undecided;
}
