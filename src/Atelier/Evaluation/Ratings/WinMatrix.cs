namespace Atelier.Evaluation.Ratings;

/// <summary>The outcome of a comparison of two models.</summary>
/// <param name="First">The index of the one model.</param>
/// <param name="Second">The index of the other model.</param>
/// <param name="Share">The share of the win that the first model gets: 1, 0, or 0.5 for a tie.</param>
public readonly record struct PairOutcome(int First, int Second, double Share);

/// <summary>How often each model was preferred to each other model.</summary>
/// <param name="Models">The names of the models.</param>
/// <param name="Wins">
/// The wins: row i and column j hold how often model i was preferred to model j. A tie counts as half a win for each
/// model, and so does "both bad".
/// </param>
public sealed record WinMatrix(IReadOnlyList<string> Models, IReadOnlyList<IReadOnlyList<double>> Wins)
{
    /// <summary>Counts outcomes.</summary>
    /// <param name="models">The names of the models.</param>
    /// <param name="outcomes">The outcomes.</param>
    /// <exception cref="ArgumentException">An outcome has a share outside 0 to 1 or compares a model with itself.
    /// </exception>
    public static WinMatrix Of(IReadOnlyList<string> models, IEnumerable<PairOutcome> outcomes)
    {
        double[][] wins = Empty(models.Count);
        foreach (PairOutcome outcome in outcomes)
        {
            if (outcome.First == outcome.Second || outcome.Share is not (>= 0 and <= 1))
                throw new ArgumentException($"{outcome} is not an outcome of two models", nameof(outcomes));
            Add(wins, outcome, 1);
        }
        return new(models, wins);
    }

    /// <summary>Returns the number of answers that compare two models.</summary>
    /// <param name="model">The index of the one model.</param>
    /// <param name="other">The index of the other model.</param>
    public double Answers(int model, int other) => Wins[model][other] + Wins[other][model];

    /// <summary>Returns the share of answers that prefer one model to another, 0 to 1; null without answers.</summary>
    /// <param name="model">The index of the one model.</param>
    /// <param name="other">The index of the other model.</param>
    public double? Rate(int model, int other) =>
        Answers(model, other) is > 0 and var answers ? Wins[model][other] / answers : null;

    /// <summary>Returns a matrix of zeros.</summary>
    internal static double[][] Empty(int models) => [.. Enumerable.Range(0, models).Select(_ => new double[models])];

    /// <summary>Adds an outcome a number of times.</summary>
    internal static void Add(double[][] wins, PairOutcome outcome, double times)
    {
        wins[outcome.First][outcome.Second] += times * outcome.Share;
        wins[outcome.Second][outcome.First] += times * (1 - outcome.Share);
    }
}
