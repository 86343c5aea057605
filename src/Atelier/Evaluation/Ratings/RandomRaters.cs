namespace Atelier.Evaluation.Ratings;

/// <summary>
/// Points out raters who answer at random. Three tests ask how probable a rater's answers are if the rater is
/// attentive: the number of failed attention checks, the likelihood of the answers under the scores of the other
/// raters, and the preference for a side.
/// </summary>
/// <remarks>
/// An attentive rater follows the scores of the others (<see cref="BradleyTerry"/>), except for one answer in ten that
/// is given at random (<see cref="LapseRate"/>). The probability of an answer allows for the uncertainty of the scores
/// (MacKay 1992). The log-likelihood ratio is compared with its distribution, which is computed, and not
/// approximated by a normal distribution. It counts against a rater only if it is not better than that of a coin: a
/// rater with an unusual taste is not taken for a random one. A rater who always answers with a tie is pointed out by
/// attention checks alone.
/// </remarks>
public static class RandomRaters
{
    /// <summary>The share of answers that an attentive rater is assumed to give at random.</summary>
    public const double LapseRate = 0.1;

    private const double CoinSignificance = 0.05;

    /// <summary>Judges the raters of a pairwise study.</summary>
    /// <param name="study">The study.</param>
    /// <param name="raters">The raters.</param>
    /// <param name="answers">The answers of all raters.</param>
    /// <param name="significance">
    /// The level below which a p-value makes a rater suspicious: about the share of attentive raters who are wrongly
    /// pointed out. The default is 1 %.
    /// </param>
    /// <returns>A judgement of each rater, in the order of the raters.</returns>
    /// <exception cref="AtelierException">The study is not valid.</exception>
    public static IReadOnlyList<RaterJudgement> Judge(Study study, IReadOnlyList<Rater> raters,
        IReadOnlyList<PairAnswer> answers, double significance = 0.01)
    {
        study.Check();
        return Judge(new StudyIndex(study), raters, answers, significance);
    }

    /// <summary>Judges the raters of a valid study.</summary>
    internal static IReadOnlyList<RaterJudgement> Judge(StudyIndex index, IReadOnlyList<Rater> raters,
        IReadOnlyList<PairAnswer> answers, double significance)
    {
        var byRater = answers.ToLookup(answer => answer.Rater);
        WinMatrix all = WinMatrix.Of(index.Models, index.Outcomes(answers));
        return
        [
            .. raters.Select(rater =>
            {
                PairAnswer[] own = [.. byRater[rater.Id]];
                return Judge(index, rater, own, BradleyTerry.Fit(Without(all, index.Outcomes(own))), significance);
            }),
        ];
    }

    private static RaterJudgement Judge(StudyIndex index, Rater rater, PairAnswer[] answers, BradleyTerry others,
        double significance)
    {
        PairAnswer[] counted = [.. answers.Where(answer => answer.Check == CheckKind.None)];
        PairAnswer[] decided = [.. counted.Where(answer => answer.Preferred is not null)];
        double[] expected = [.. decided.Select(answer => Expected(index, others, answer))];
        var checks = Checks(index, others, answers);
        int left = decided.Count(answer => answer.Choice == PairChoice.Left);

        double? checkValue = checks.Count > 0 ? BernoulliSum.Tails(checks).AtLeast : null;
        double? likelihood = null, coin = null, side = null;
        if (decided.Length > 0)
        {
            // the log-likelihood ratio is a constant plus the weights of the answers that follow the favourite
            likelihood = BernoulliSum.Tails([.. expected.Select(p => Event(p, Math.Max(p, 1 - p)))]).AtMost;
            coin = BernoulliSum.Tails([.. expected.Select(p => Event(p, 0.5))]).AtLeast;
            int uneven = Math.Max(left, decided.Length - left);
            side = Math.Min(1, 2 * BernoulliSum.Tails(
                [.. decided.Select((_, number) => (1.0, 0.5, number < uneven))]).AtLeast);
        }
        double value = Combine(checkValue, coin < CoinSignificance ? 1 : likelihood, side);
        return new()
        {
            Rater = rater.Id,
            Name = rater.Name,
            Answers = counted.Length,
            Decided = decided.Length,
            Left = left,
            Checks = checks.Count,
            FailedChecks = checks.Count(check => check.Failed),
            LogLikelihoodRatio = expected.Sum(p => Math.Log(2 * p)),
            CheckPValue = checkValue,
            LikelihoodPValue = likelihood,
            CoinPValue = coin,
            SidePValue = side,
            PValue = value,
            Verdict = value < significance ? RaterVerdict.Suspicious
                : coin < CoinSignificance ? RaterVerdict.Reliable : RaterVerdict.Undecided,
        };
    }

    /// <summary>Returns the probability that an attentive rater prefers what the rater preferred.</summary>
    private static double Expected(StudyIndex index, BradleyTerry others, PairAnswer answer)
    {
        bool isLeft = answer.Choice == PairChoice.Left;
        int preferred = index.Model(isLeft ? answer.Left : answer.Right);
        int other = index.Model(isLeft ? answer.Right : answer.Left);
        double difference = others.Scores[preferred] - others.Scores[other];
        // MacKay 1992: the mean of the logistic function of a normal variable, approximately
        double shrunk = difference / Math.Sqrt(1 + (Math.PI / 8 * others.VarianceOfDifference(preferred, other)));
        return ((1 - LapseRate) * BradleyTerry.Logistic(shrunk)) + (LapseRate / 2);
    }

    /// <summary>Returns the event that an answer follows the favourite, from the probability of the answer.</summary>
    private static (double Weight, double Probability, bool Occurred) Event(double p, double probability) =>
        (Math.Abs(Math.Log(p / (1 - p))), probability, p > 0.5);

    /// <summary>
    /// Returns for each attention check its weight of 1, the highest probability that an attentive rater fails it, and
    /// whether it failed.
    /// </summary>
    private static List<(double Weight, double Probability, bool Failed)> Checks(StudyIndex index, BradleyTerry others,
        PairAnswer[] answers)
    {
        var checks = new List<(double, double, bool)>();
        foreach (PairAnswer answer in answers)
        {
            if (answer.Check == CheckKind.KnownWorse)
                checks.Add((1, LapseRate, answer.Preferred != index.Check(answer.Pair)!.Better));
            else if (answer.Check == CheckKind.Repeat && Array.Find(answers, earlier =>
                earlier.Check == CheckKind.None && earlier.Pair == answer.Pair) is { Preferred: not null } first)
            {
                double p = Expected(index, others, first);
                checks.Add((1, 2 * p * (1 - p), answer.Preferred is { } preferred && preferred != first.Preferred));
            }
        }
        return checks;
    }

    private static WinMatrix Without(WinMatrix all, IEnumerable<PairOutcome> outcomes)
    {
        double[][] wins = [.. all.Wins.Select(row => row.ToArray())];
        foreach (PairOutcome outcome in outcomes)
            WinMatrix.Add(wins, outcome, -1);
        return new(all.Models, wins);
    }

    /// <summary>
    /// Combines the p-values of independent tests (Fisher 1925): -2 Σ ln p has a χ² distribution with two degrees of
    /// freedom for each test, whose upper tail is a sum of Poisson probabilities.
    /// </summary>
    private static double Combine(params ReadOnlySpan<double?> values)
    {
        double half = 0, sum = 0, term = 1;
        int tests = 0;
        foreach (double? value in values)
        {
            if (value is not { } p)
                continue;
            half -= Math.Log(Math.Max(p, double.Epsilon));
            tests++;
        }
        for (int i = 0; i < tests; i++)
        {
            sum += term;
            term *= half / (i + 1);
        }
        return tests == 0 ? 1 : Math.Min(1, Math.Exp(-half) * sum);
    }
}
