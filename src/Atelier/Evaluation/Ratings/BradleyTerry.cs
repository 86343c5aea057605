using MathNet.Numerics.LinearAlgebra;

namespace Atelier.Evaluation.Ratings;

/// <summary>The score of a model with its 95 % intervals.</summary>
/// <param name="Model">The name of the model.</param>
/// <param name="Score">
/// The score in nats: the natural logarithm of the strength. The mean over all models is 0, and the difference between
/// two models is the logarithm of the odds that the one is preferred to the other.
/// </param>
/// <param name="Points">The score in points as in Elo ratings: 400 points are odds of ten to one.</param>
/// <param name="Answers">The number of answers that compare this model with others.</param>
public sealed record ModelScore(string Model, Metric Score, Metric Points, double Answers);

/// <summary>
/// The model of paired comparisons by Bradley and Terry (1952): model i is preferred to model j with probability λᵢ /
/// (λᵢ + λⱼ), where λ are the strengths and ln λ the scores. A tie counts as half a win for each model, and so does
/// "both bad", which says that neither output is better.
/// </summary>
public sealed class BradleyTerry
{
    /// <summary>The points of one nat: 400 / ln 10, as in Elo ratings.</summary>
    public const double PointsPerNat = 400 / 2.302585092994046;

    /// <summary>
    /// The weight of the default prior, in answers: each model has one imaginary tie, divided equally among its
    /// comparisons with the other models. This conjugate prior (Davidson and Solomon 1973) keeps the scores of a model
    /// without losses or without answers finite, does not depend on the order of the models, and is outweighed by a few
    /// dozen answers.
    /// </summary>
    public const double PriorAnswers = 1;

    private const double Tolerance = 1e-11; // the change of a score in one sweep
    private const int MostSweeps = 20_000;

    private readonly double[] _scores;
    private readonly Matrix<double> _covariance;

    private BradleyTerry(IReadOnlyList<string> models, double[] scores, Matrix<double> covariance) =>
        (Models, _scores, _covariance) = (models, scores, covariance);

    /// <summary>The names of the models.</summary>
    public IReadOnlyList<string> Models { get; }

    /// <summary>The score of each model in nats; their mean is 0.</summary>
    public IReadOnlyList<double> Scores => _scores;

    /// <summary>
    /// Fits the scores by maximum likelihood with the MM algorithm (Hunter 2004, equation 3, in its cyclic form), with
    /// imaginary ties as prior.
    /// </summary>
    /// <param name="wins">The answers, of at least two models.</param>
    /// <param name="priorAnswers">
    /// The number of imaginary ties of each model, 0 or more; see <see cref="PriorAnswers"/>. With 0 the result is the
    /// plain maximum of the likelihood.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There are fewer than two models, or the prior is 0 and the likelihood has no finite maximum, because some models
    /// have never won against the others (Ford 1957).
    /// </exception>
    public static BradleyTerry Fit(WinMatrix wins, double priorAnswers = PriorAnswers)
    {
        int models = wins.Models.Count;
        ArgumentOutOfRangeException.ThrowIfLessThan(models, 2, nameof(wins));
        ArgumentOutOfRangeException.ThrowIfNegative(priorAnswers);
        double[][] rows = [.. wins.Wins.Select(row => row.ToArray())];
        if (priorAnswers == 0 && !IsConnected(rows))
            throw new ArgumentException("the likelihood has no finite maximum; use a prior", nameof(priorAnswers));
        double[] scores = Fit(rows, priorAnswers, new double[models]);
        return new(wins.Models, scores, Covariance(rows, priorAnswers, scores));
    }

    /// <summary>Computes the scores of models with 95 % intervals by a bootstrap over answers.</summary>
    /// <param name="models">The names of the models; at least two.</param>
    /// <param name="outcomes">The answers. They are resampled as if they were independent of each other.</param>
    /// <param name="samples">The number of bootstrap resamples.</param>
    /// <param name="seed">The random seed.</param>
    /// <param name="priorAnswers">The weight of the prior; see <see cref="PriorAnswers"/>.</param>
    /// <returns>The scores, highest first.</returns>
    /// <exception cref="ArgumentException">There are fewer than two models.</exception>
    public static IReadOnlyList<ModelScore> Rank(IReadOnlyList<string> models, IReadOnlyList<PairOutcome> outcomes,
        int samples = 1000, long seed = 0, double priorAnswers = PriorAnswers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        WinMatrix wins = WinMatrix.Of(models, outcomes);
        double[] fitted = Fit(wins, priorAnswers)._scores;
        double[][] drawn = Bootstrap.Resample(outcomes.Count, samples, seed, times =>
        {
            double[][] resampled = WinMatrix.Empty(models.Count);
            for (int i = 0; i < times.Length; i++)
                WinMatrix.Add(resampled, outcomes[i], times[i]);
            return Fit(resampled, priorAnswers, fitted);
        });
        return
        [
            .. models.Select((model, number) =>
            {
                (double low, double high) =
                    Bootstrap.Around(fitted[number], [.. drawn.Select(scores => scores[number])]);
                var score = new Metric(fitted[number], low, high, "nats");
                return new ModelScore(model, score, Points(score),
                    Enumerable.Range(0, models.Count).Sum(other => wins.Answers(number, other)));
            }).OrderByDescending(score => score.Score.Value),
        ];
    }

    /// <summary>Returns the probability that one model is preferred to another, 0 to 1.</summary>
    /// <param name="model">The index of the one model.</param>
    /// <param name="other">The index of the other model.</param>
    public double WinProbability(int model, int other) => Logistic(_scores[model] - _scores[other]);

    /// <summary>
    /// Returns the variance of the difference between two scores, in nats squared: the asymptotic variance, which the
    /// inverse of the Fisher information gives.
    /// </summary>
    /// <param name="model">The index of the one model.</param>
    /// <param name="other">The index of the other model.</param>
    public double VarianceOfDifference(int model, int other) =>
        _covariance[model, model] + _covariance[other, other] - (2 * _covariance[model, other]);

    /// <summary>
    /// Returns the expected information of one more comparison of two models, in nats: ½ ln(1 + p (1 - p) v), where p
    /// is the probability of a win and v the variance of the difference. It is the reduction of the entropy of the
    /// scores (Lindley 1956), which Glickman and Jensen (2005) maximise to choose pairs, under the normal
    /// approximation.
    /// </summary>
    /// <param name="model">The index of the one model.</param>
    /// <param name="other">The index of the other model.</param>
    public double InformationGain(int model, int other)
    {
        double p = WinProbability(model, other);
        return 0.5 * double.LogP1(p * (1 - p) * VarianceOfDifference(model, other));
    }

    /// <summary>Returns the logistic function 1 / (1 + e⁻ˣ).</summary>
    internal static double Logistic(double x) => 1 / (1 + Math.Exp(-x));

    private static Metric Points(Metric score) => new(score.Value * PointsPerNat, score.Low * PointsPerNat,
        score.High * PointsPerNat, "points");

    private static double[] Fit(double[][] wins, double priorAnswers, double[] start)
    {
        int models = wins.Length;
        double prior = priorAnswers / (models - 1); // imaginary ties of each pair
        double[] strengths = [.. start.Select(score => Math.Exp(score))];
        double[] total = [.. wins.Select(row => row.Sum() + (priorAnswers / 2))];
        for (int sweep = 0; sweep < MostSweeps; sweep++)
        {
            double change = 0;
            for (int i = 0; i < models; i++)
            {
                double expected = 0; // Σⱼ Nᵢⱼ / (λᵢ + λⱼ)
                for (int j = 0; j < models; j++)
                {
                    if (j != i)
                        expected += (wins[i][j] + wins[j][i] + prior) / (strengths[i] + strengths[j]);
                }
                double strength = total[i] / expected; // Hunter 2004, equation 3
                change = Math.Max(change, Math.Abs(Math.Log(strength / strengths[i])));
                strengths[i] = strength;
            }
            if (change < Tolerance)
                break;
        }
        double[] scores = [.. strengths.Select(strength => Math.Log(strength))];
        double mean = scores.Average();
        return [.. scores.Select(score => score - mean)];
    }

    /// <summary>
    /// Returns the inverse of the Fisher information on the scores with mean 0. The information is zero along the
    /// vector of ones; adding that direction and subtracting it again makes the matrix invertible.
    /// </summary>
    private static Matrix<double> Covariance(double[][] wins, double priorAnswers, double[] scores)
    {
        int models = wins.Length;
        double prior = priorAnswers / (models - 1), mean = 1.0 / models;
        Matrix<double> information = Matrix<double>.Build.Dense(models, models, mean);
        for (int i = 0; i < models; i++)
        {
            for (int j = 0; j < models; j++)
            {
                if (j == i)
                    continue;
                double p = Logistic(scores[i] - scores[j]);
                double weight = (wins[i][j] + wins[j][i] + prior) * p * (1 - p);
                information[i, i] += weight;
                information[i, j] -= weight;
            }
        }
        return information.Inverse() - mean;
    }

    /// <summary>Returns whether every model has won, directly or through others, against every other model.</summary>
    private static bool IsConnected(double[][] wins)
    {
        bool[][] reaches = [.. wins.Select(row => row.Select(count => count > 0).ToArray())];
        int models = wins.Length;
        for (int through = 0; through < models; through++)
        {
            for (int from = 0; from < models; from++)
            {
                for (int to = 0; to < models; to++)
                    reaches[from][to] |= reaches[from][through] && reaches[through][to];
            }
        }
        return reaches.Index().All(row => row.Item.Index().All(cell => cell.Item || cell.Index == row.Index));
    }
}
