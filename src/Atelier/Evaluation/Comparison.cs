namespace Atelier.Evaluation;

/// <summary>What a comparison rests on.</summary>
public enum ComparisonBasis
{
    /// <summary>The difference on the same held-out documents, rows or sequences, drawn anew together.</summary>
    Paired,

    /// <summary>Two intervals of their own: nothing was measured on the same pieces.</summary>
    Intervals,

    /// <summary>
    /// The Bayesian information criterion (Schwarz 1978), where figures are those of the rows that were learned from.
    /// </summary>
    Bic,

    /// <summary>Nothing: no data was held out, and there is no criterion that charges for parameters.</summary>
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

/// <summary>How a model's headline figure compares with a baseline's or with another model's.</summary>
/// <param name="Difference">The model's figure less the other's, with its 95 % interval; of BIC without one.</param>
/// <param name="Basis">What the outcome rests on.</param>
/// <param name="Outcome">What is said.</param>
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
    /// <param name="samples">Resamplings.</param>
    /// <param name="seed">Of the resamplings.</param>
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

    /// <summary>Compares figures that nothing pairs: one is better where the intervals lie apart.</summary>
    public static Comparison ByIntervals(Metric own, Metric other, Headline headline) => new(
        new Metric(own.Value - other.Value, own.Low - other.High, own.High - other.Low, headline.Unit),
        ComparisonBasis.Intervals,
        headline.MoreIsBetter
            ? Decide(own.Low > other.High, own.High < other.Low)
            : Decide(own.High < other.Low, own.Low > other.High));

    /// <summary>Compares models on the rows that both learned from, by BIC.</summary>
    public static Comparison ByBic(double own, double other)
    {
        double difference = own - other;
        return new(new Metric(difference, difference, difference, "nats of BIC"), ComparisonBasis.Bic,
            Decide(difference > 0, difference < 0));
    }

    /// <summary>No comparison, for want of held-out data.</summary>
    public static Comparison NothingHeldOut(Metric own, Metric other, Headline headline) =>
        ByIntervals(own, other, headline) with { Basis = ComparisonBasis.None, Outcome = ComparisonOutcome.Undecided };

    /// <summary>The outcome in words, as a verdict has it.</summary>
    public override string ToString() => (Basis, Outcome) switch
    {
        (ComparisonBasis.None, _) => "no verdict: nothing was held out",
        (ComparisonBasis.Bic, ComparisonOutcome.Beaten) => "beaten by BIC",
        (ComparisonBasis.Bic, _) => "not beaten by BIC",
        (_, ComparisonOutcome.Beaten) => "beaten",
        (_, ComparisonOutcome.NotBeaten) => "not beaten",
        _ => "not beaten: no clear difference",
    };

    private static ComparisonOutcome Decide(bool better, bool worse) =>
        better ? ComparisonOutcome.Beaten : worse ? ComparisonOutcome.NotBeaten : ComparisonOutcome.Undecided;
}
