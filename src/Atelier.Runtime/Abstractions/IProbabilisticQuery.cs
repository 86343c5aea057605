namespace Atelier.Abstractions;

/// <summary>A model of several variables that answers queries about them. Safe for concurrent use.</summary>
public interface IProbabilisticQuery
{
    /// <summary>Answers a query.</summary>
    /// <param name="question">The query.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>
    /// The answer as a sentence and tables; <see cref="Explanation.Method"/> describes its precision.
    /// </returns>
    /// <exception cref="AtelierException">A name is unknown, the evidence has probability zero, or the requested
    /// precision cannot be reached.</exception>
    Explanation Answer(Question question, CancellationToken cancellation = default);
}

/// <summary>A query of a model of several variables.</summary>
public sealed record Question
{
    /// <summary>The variables to infer. An empty list infers each variable that has no evidence.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>The evidence: known values by variable, such as "smoke" = "yes".</summary>
    public IReadOnlyDictionary<string, string> Evidence { get; init; } = new Dictionary<string, string>();

    /// <summary>The interventions: values that are set from outside, by variable, as in do(smoke = yes).</summary>
    public IReadOnlyDictionary<string, string> Interventions { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether to find the most probable joint values of all variables instead of probabilities.</summary>
    public bool MostProbable { get; init; }

    /// <summary>The random seed of estimated answers.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>
    /// For estimated answers: the largest allowed half-width of the 95 % confidence intervals, above 0.
    /// </summary>
    public double Precision { get; init; } = 0.005;
}
