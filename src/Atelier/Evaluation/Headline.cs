namespace Atelier.Evaluation;

/// <summary>The most important metric of an evaluation.</summary>
/// <param name="Metric">Its name among the figures.</param>
/// <param name="Unit">The unit, as it follows the number in a sentence.</param>
/// <param name="MoreIsBetter">Whether a higher figure is a better one.</param>
/// <param name="Part">What the verdict begins with: what the figure was measured on.</param>
public sealed record Headline(string Metric, string Unit, bool MoreIsBetter, string Part = "held-out")
{
    /// <summary>Text's.</summary>
    public static Headline CrossEntropy { get; } =
        new("crossEntropyPerCharacter", "nats per character", MoreIsBetter: false);

    /// <summary>Whether one figure is better than another.</summary>
    public bool IsBetter(double figure, double other) => MoreIsBetter ? figure > other : figure < other;
}
