namespace Atelier.Abstractions;

/// <summary>A model of several variables that answers questions about them. Safe for concurrent use.</summary>
public interface IProbabilisticQuery
{
    /// <summary>Answers a question.</summary>
    /// <param name="question">The question.</param>
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
    /// <summary>The target variables. An empty list asks for each variable without evidence.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>What is known, by variable: "smoke" is "yes".</summary>
    public IReadOnlyDictionary<string, string> Evidence { get; init; } = new Dictionary<string, string>();

    /// <summary>What is set from outside, by variable: do(smoke = yes).</summary>
    public IReadOnlyDictionary<string, string> Interventions { get; init; } = new Dictionary<string, string>();

    /// <summary>Asks for the most probable values of all variables together instead of probabilities.</summary>
    public bool MostProbable { get; init; }

    /// <summary>The seed of approximate answers.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>
    /// Half the width that intervals of 95 % confidence may have where an answer is approximate, above 0.
    /// </summary>
    public double Precision { get; init; } = 0.005;
}
