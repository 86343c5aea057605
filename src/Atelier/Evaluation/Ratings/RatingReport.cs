using System.Text.Json;

namespace Atelier.Evaluation.Ratings;

/// <summary>The options of a report on a study.</summary>
public sealed record RatingReportOptions
{
    /// <summary>The number of bootstrap resamples; 1 or more.</summary>
    public int BootstrapSamples { get; init; } = 1000;

    /// <summary>The seed of the bootstrap.</summary>
    public long Seed { get; init; }

    /// <summary>
    /// The difference between win rates for which the needed answers are computed, above 0 and below 1.
    /// </summary>
    public double Difference { get; init; } = 0.1;

    /// <summary>The probability with which that difference should be found, from 0.5 to below 1.</summary>
    public double Power { get; init; } = 0.8;

    /// <summary>The two-sided significance level of that difference, above 0 and below 1.</summary>
    public double Significance { get; init; } = 0.05;

    /// <summary>The significance level of the verdicts on raters; see <see cref="RandomRaters"/>.</summary>
    public double RaterSignificance { get; init; } = 0.01;

    /// <summary>Whether to leave the answers of suspicious raters out of all other figures.</summary>
    public bool LeaveOutSuspicious { get; init; }
}

/// <summary>The mean value of a model's outputs on a scale.</summary>
/// <param name="Model">The name of the model.</param>
/// <param name="Rubric">The name of the scale.</param>
/// <param name="Value">The mean with its 95 % bootstrap interval over answers.</param>
/// <param name="Answers">The number of values.</param>
public sealed record ScaleScore(string Model, string Rubric, Metric Value, int Answers);

/// <summary>
/// The agreement between raters. The values of a pair are a preference for either output, a tie, or "both bad"; each
/// pair counts in both orders, so that it does not matter which output comes first.
/// </summary>
/// <param name="Question">The name of the scale, or "preference" for pairs.</param>
/// <param name="Level">The level of measurement of the alpha: nominal for pairs, ordinal for scales.</param>
/// <param name="Units">The number of pairs or outputs that two or more raters judged.</param>
/// <param name="Alpha">Krippendorff's alpha at this level; null if it is not defined.</param>
/// <param name="AlphaInterval">Krippendorff's alpha at the interval level, for scales.</param>
/// <param name="FleissKappa">Fleiss' kappa; null unless all units have the same number of raters.</param>
/// <param name="CohenKappa">Cohen's kappa; null unless there are exactly two raters.</param>
public sealed record AgreementFigures(string Question, MeasurementLevel Level, int Units, double? Alpha,
    double? AlphaInterval, double? FleissKappa, double? CohenKappa);

/// <summary>The answers that are needed to tell two models apart.</summary>
/// <param name="Model">The name of the one model.</param>
/// <param name="Other">The name of the other model.</param>
/// <param name="Answers">The number of direct comparisons so far.</param>
/// <param name="WinRate">The share of them that prefer the one model, 0 to 1; null without answers.</param>
/// <param name="Needed">The number of direct comparisons that is needed in all; see <see cref="SampleSize"/>.</param>
/// <param name="More">The number of direct comparisons that is still needed.</param>
public sealed record AnswersNeeded(string Model, string Other, int Answers, double? WinRate, int Needed, int More);

/// <summary>
/// The results of a study: scores, agreement, suspicious raters and the answers that are still needed.
/// </summary>
public sealed record RatingReport
{
    private static readonly JsonSerializerOptions Options = new(EvaluationReport.Compact) { WriteIndented = true };

    /// <summary>The id of the study.</summary>
    public required string Study { get; init; }

    /// <summary>The title of the study.</summary>
    public required string Title { get; init; }

    /// <summary>The kind of the study.</summary>
    public required StudyKind Kind { get; init; }

    /// <summary>The number of raters who answered at least once.</summary>
    public required int Raters { get; init; }

    /// <summary>The number of answers that count, without attention checks and raters who are left out.</summary>
    public required int Answers { get; init; }

    /// <summary>The share of these answers that are ties or "both bad", 0 to 1; 0 for scales.</summary>
    public double TieRate { get; init; }

    /// <summary>The scores of the models, highest first; empty for scales.</summary>
    public IReadOnlyList<ModelScore> Scores { get; init; } = [];

    /// <summary>How often each model was preferred to each other model; null for scales.</summary>
    public WinMatrix? Wins { get; init; }

    /// <summary>The mean values of the models on each scale, highest first; empty for pairs.</summary>
    public IReadOnlyList<ScaleScore> Scales { get; init; } = [];

    /// <summary>The agreement between raters: one entry for pairs, or one for each scale.</summary>
    public IReadOnlyList<AgreementFigures> Agreement { get; init; } = [];

    /// <summary>The judgement of each rater; empty for scales.</summary>
    public IReadOnlyList<RaterJudgement> Judgements { get; init; } = [];

    /// <summary>The answers that are needed for each pair of models; empty for scales.</summary>
    public IReadOnlyList<AnswersNeeded> Needed { get; init; } = [];

    /// <summary>How the figures were computed, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Computes the report of a study.</summary>
    /// <param name="store">The study with its answers.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <exception cref="AtelierException">The store is damaged or busy.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public static RatingReport Create(RatingStore store, RatingReportOptions? options = null) =>
        RatingFigures.Compute(store, options ?? new());

    /// <summary>Returns the report as one JSON object in camelCase, with unrounded numbers.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options);
}
