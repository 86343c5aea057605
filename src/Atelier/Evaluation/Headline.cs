namespace Atelier.Evaluation;

/// <summary>The most important metric of an evaluation.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Unit">The unit, as it follows the number in a sentence.</param>
/// <param name="MoreIsBetter">Whether higher values are better.</param>
/// <param name="Part">The beginning of the verdict: the data of the metric.</param>
public sealed record Headline(string Metric, string Unit, bool MoreIsBetter, string Part = "held-out")
{
    /// <summary>The headline metric of text.</summary>
    public static Headline CrossEntropy { get; } =
        new("crossEntropyPerCharacter", "nats per character", MoreIsBetter: false);

    /// <summary>Whether one value is better than another.</summary>
    public bool IsBetter(double figure, double other) => MoreIsBetter ? figure > other : figure < other;
}
