namespace Atelier.Evaluation.Ratings;

/// <summary>The verdict on the answers of a rater.</summary>
public enum RaterVerdict
{
    /// <summary>The answers are better than those of a coin.</summary>
    Reliable,

    /// <summary>There are too few answers to tell the rater from a coin.</summary>
    Undecided,

    /// <summary>An attentive rater would hardly give such answers: they look like those of a coin.</summary>
    Suspicious,
}

/// <summary>How the answers of a rater compare with those of the other raters and with those of a coin.</summary>
public sealed record RaterJudgement
{
    /// <summary>The id of the rater.</summary>
    public required long Rater { get; init; }

    /// <summary>The name of the rater.</summary>
    public required string Name { get; init; }

    /// <summary>The number of answers, without those to attention checks.</summary>
    public required int Answers { get; init; }

    /// <summary>The number of these answers that prefer one of the outputs; the others are ties.</summary>
    public required int Decided { get; init; }

    /// <summary>The number of answers that prefer the output on the left.</summary>
    public required int Left { get; init; }

    /// <summary>The number of attention checks that the rater answered.</summary>
    public required int Checks { get; init; }

    /// <summary>
    /// The number of failed attention checks: the better output was not preferred, or the answer to a repeated pair
    /// contradicts the first one.
    /// </summary>
    public required int FailedChecks { get; init; }

    /// <summary>
    /// The log-likelihood of the decided answers under the scores of the other raters minus that under a coin, in nats.
    /// Attentive raters have positive values on average, and a coin has negative ones.
    /// </summary>
    public required double LogLikelihoodRatio { get; init; }

    /// <summary>
    /// The probability that an attentive rater fails at least as many checks; null if there were no checks.
    /// </summary>
    public double? CheckPValue { get; init; }

    /// <summary>
    /// The probability that an attentive rater has a log-likelihood ratio as low; null without decided answers.
    /// </summary>
    public double? LikelihoodPValue { get; init; }

    /// <summary>
    /// The probability that a coin has a log-likelihood ratio as high; null without decided answers. A value below 5 %
    /// shows that the rater does not answer at random.
    /// </summary>
    public double? CoinPValue { get; init; }

    /// <summary>
    /// The probability that an attentive rater prefers one side at least as unevenly, by the two-sided sign test; null
    /// without decided answers.
    /// </summary>
    public double? SidePValue { get; init; }

    /// <summary>The combined probability of the checks, the likelihood and the sides, by the method of Fisher (1925).
    /// </summary>
    public required double PValue { get; init; }

    /// <summary>The verdict.</summary>
    public required RaterVerdict Verdict { get; init; }
}
