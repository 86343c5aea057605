using System.Text.Json.Serialization;

namespace Atelier.Evaluation;

/// <summary>The basis of a comparison.</summary>
public enum ComparisonBasis
{
    /// <summary>The paired difference on the same held-out documents, rows or sequences.</summary>
    Paired,

    /// <summary>Two separate intervals, because the metrics cannot be paired.</summary>
    Intervals,

    /// <summary>The Bayesian information criterion (Schwarz 1978), for metrics of the training rows.</summary>
    Bic,

    /// <summary>None, because no data were held out and there is no criterion that penalises parameters.</summary>
    None,
}

/// <summary>The outcome of a comparison.</summary>
public enum ComparisonOutcome
{
    /// <summary>The model is significantly better.</summary>
    Beaten,

    /// <summary>The model is significantly worse.</summary>
    NotBeaten,

    /// <summary>There is no significant difference, or too little data.</summary>
    Undecided,
}

/// <summary>The comparison of a model's headline metric with that of a baseline or another model.</summary>
/// <param name="Difference">The value of the model minus that of the other, with its 95 % interval; BIC has no
/// interval.</param>
/// <param name="Basis">The basis of the outcome.</param>
/// <param name="Outcome">The outcome.</param>
public sealed record Comparison(Metric Difference, ComparisonBasis Basis, ComparisonOutcome Outcome)
{
    /// <summary>
    /// The smallest number of items for a decision: with n items of equal models, the probability that all favour the
    /// same side is 2 · 2⁻ⁿ, which is above 5 % for n below 6.
    /// </summary>
    private const int FewestPieces = 6;

    /// <summary>
    /// The p-value of the paired test, as <see cref="PairedBootstrap.PValue"/> defines it; null if nothing was paired.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? PValue { get; init; }

    /// <summary>
    /// Compares scores of the same held-out items: one model is better if the paired interval excludes zero.
    /// </summary>
    /// <param name="own">The scores of the model.</param>
    /// <param name="other">The other scores of the same items.</param>
    /// <param name="headline">The metric.</param>
    /// <param name="samples">The number of bootstrap resamples.</param>
    /// <param name="seed">The seed of the bootstrap.</param>
    public static Comparison Paired(IReadOnlyList<MeanScore> own, IReadOnlyList<MeanScore> other, Headline headline,
        int samples, long seed)
    {
        int pieces = own.Zip(other).Count(pair => pair.First.Weight > 0 && pair.Second.Weight > 0);
        return Paired(MeanScore.Compare(own, other, samples, seed, headline.Unit), pieces, headline);
    }

    /// <summary>Decides by a paired test: one model is better if the interval of the difference excludes
    /// zero.</summary>
    /// <param name="test">The test of the model against the other.</param>
    /// <param name="pieces">The number of items that were resampled.</param>
    /// <param name="headline">The metric.</param>
    public static Comparison Paired(PairedBootstrap test, int pieces, Headline headline)
    {
        ArgumentNullException.ThrowIfNull(test);
        Metric difference = test.Difference;
        bool better = headline.IsBetter(difference.Low, 0) && headline.IsBetter(difference.High, 0);
        bool worse = headline.IsBetter(0, difference.Low) && headline.IsBetter(0, difference.High);
        // One item of probability zero makes the whole difference infinite, though resamples without it are finite.
        bool impossible = double.IsInfinity(difference.Value) && !headline.IsBetter(difference.Value, 0);
        ComparisonOutcome outcome = impossible ? ComparisonOutcome.NotBeaten
            : pieces < FewestPieces ? ComparisonOutcome.Undecided
            : Decide(better, worse);
        return new(difference, ComparisonBasis.Paired, outcome) { PValue = test.PValue };
    }

    /// <summary>Compares metrics that cannot be paired: one model is better if the intervals do not overlap.</summary>
    public static Comparison ByIntervals(Metric own, Metric other, Headline headline) => new(
        new Metric(own.Value - other.Value, own.Low - other.High, own.High - other.Low, headline.Unit),
        ComparisonBasis.Intervals,
        headline.MoreIsBetter
            ? Decide(own.Low > other.High, own.High < other.Low)
            : Decide(own.High < other.Low, own.Low > other.High));

    /// <summary>Compares two models by their BIC on the same training rows; the larger value is better.</summary>
    public static Comparison ByBic(double own, double other)
    {
        double difference = own - other;
        return new(new Metric(difference, difference, difference, "nats of BIC"), ComparisonBasis.Bic,
            Decide(difference > 0, difference < 0));
    }

    /// <summary>Returns an undecided comparison, because no data were held out.</summary>
    public static Comparison NothingHeldOut(Metric own, Metric other, Headline headline) =>
        ByIntervals(own, other, headline) with { Basis = ComparisonBasis.None, Outcome = ComparisonOutcome.Undecided };

    /// <summary>Returns the outcome as the verdict words it.</summary>
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
