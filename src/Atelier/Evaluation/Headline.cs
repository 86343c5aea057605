namespace Atelier.Evaluation;

/// <summary>The most important metric of an evaluation, which the verdict is about.</summary>
/// <param name="Metric">The name of the metric.</param>
/// <param name="Unit">The unit, as it follows the number in a sentence.</param>
/// <param name="MoreIsBetter">Whether higher values are better.</param>
/// <param name="Part">The data of the metric, such as "held-out"; the verdict begins with it.</param>
public sealed record Headline(string Metric, string Unit, bool MoreIsBetter, string Part = "held-out")
{
    /// <summary>The headline metric of text.</summary>
    public static Headline CrossEntropy { get; } =
        new("crossEntropyPerCharacter", "nats per character", MoreIsBetter: false);

    /// <summary>Returns whether one value is better than another.</summary>
    public bool IsBetter(double figure, double other) => MoreIsBetter ? figure > other : figure < other;
}
