using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Evaluation;
using Atelier.Formats;

namespace Atelier.Choose;

/// <summary>A candidate as the report of a choice shows it.</summary>
/// <param name="Name">The family and the variant, such as "gpt 4 × 128, rate 0.001".</param>
/// <param name="Family">The name of the family.</param>
/// <param name="Summary">Its recipe in one line.</param>
/// <param name="Expected">The figure to expect of its full training on held-out data, with its 90 % interval; of a
/// family that was trained whole, the figure itself with its 95 % interval. Null without a trial.</param>
/// <param name="IsMeasured">Whether it was trained in full, so that the figure is no forecast.</param>
/// <param name="Seconds">The time of its full training in seconds; null if it is unknown.</param>
/// <param name="Steps">The number of steps of its full training.</param>
/// <param name="Rounds">The number of rounds of trials that it took part in.</param>
/// <param name="Trials">Its trials, from short to long.</param>
/// <param name="Footprint">Its size, memory, speed and abilities; null without a trial.</param>
/// <param name="CannotDo">What it cannot do and other candidates can.</param>
/// <param name="Failure">Why it could not be trained; null if it could.</param>
public sealed record ChoiceCandidate(string Name, string Family, string Summary, Metric? Expected, bool IsMeasured,
    double? Seconds, long Steps, int Rounds, IReadOnlyList<Trial> Trials, ModelFootprint? Footprint,
    IReadOnlyList<string> CannotDo, string? Failure)
{
    /// <summary>After <see cref="ChoiceOptions.Verify"/>: the full training; null otherwise.</summary>
    public Trial? Full { get; init; }
}

/// <summary>How good a choice was, after all candidates were trained in full.</summary>
/// <param name="Best">The name of the best candidate.</param>
/// <param name="BestValue">Its figure.</param>
/// <param name="ChosenValue">The figure of the recommended candidate.</param>
/// <param name="Behind">By how much the recommended candidate is worse than the best, as a share of the best.</param>
/// <param name="Within">The number of forecasts whose interval holds the figure.</param>
/// <param name="Forecasts">The number of forecasts.</param>
/// <param name="FullSeconds">The time of all full trainings in seconds.</param>
/// <param name="ChoiceSeconds">The time of the choice in seconds.</param>
public sealed record ChoiceVerification(string Best, double BestValue, double ChosenValue, double Behind, int Within,
    int Forecasts, double FullSeconds, double ChoiceSeconds)
{
    /// <summary>The time of the choice as a share of that of all full trainings.</summary>
    public double TimeShare => ChoiceSeconds / FullSeconds;
}

/// <summary>The advice for data: which model to train, what to expect of it, and why.</summary>
public sealed record ChoiceReport
{
    /// <summary>The name of the file in the folder of a choice.</summary>
    public const string FileName = "choice.json";

    private static readonly JsonSerializerOptions Options = new(EvaluationReport.Compact)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true,
    };

    /// <summary>The data, as the user named them.</summary>
    public required string Source { get; init; }

    /// <summary>The name of the task.</summary>
    public required string Task { get; init; }

    /// <summary>What the models are for, such as "generate".</summary>
    public required string Purpose { get; init; }

    /// <summary>The amount of data.</summary>
    public required string Amount { get; init; }

    /// <summary>What a look at the data found.</summary>
    public required DataLook Data { get; init; }

    /// <summary>The metric that candidates are compared by; null without trials.</summary>
    public Headline? Headline { get; init; }

    /// <summary>The candidates, the recommended one first.</summary>
    public required IReadOnlyList<ChoiceCandidate> Candidates { get; init; }

    /// <summary>Whether nothing was trained, so that this is advice by rules.</summary>
    public bool IsAdviceOnly { get; init; }

    /// <summary>Whether the choice was interrupted, so that it rests on the trials that were finished.</summary>
    public bool IsInterrupted { get; init; }

    /// <summary>The path of the recommended recipe; null if it was not written.</summary>
    public string? RecipePath { get; init; }

    /// <summary>The path of the plot of quality against cost; null without trials.</summary>
    public string? PlotPath { get; init; }

    /// <summary>Why the first candidate is recommended, one sentence each.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>What would make the model better, one sentence each, the most helpful first.</summary>
    public IReadOnlyList<string> Improvements { get; init; } = [];

    /// <summary>The time of the trials in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>How good the choice was; null if it was not verified.</summary>
    public ChoiceVerification? Verification { get; init; }

    /// <summary>The recommended candidate.</summary>
    public ChoiceCandidate Recommended => Candidates[0];

    /// <summary>Returns the report as one JSON object in camelCase, with unrounded numbers.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>Writes choice.json to a folder.</summary>
    internal void Write(string folder) => AtomicFile.WriteText(Path.Combine(folder, FileName), ToJson());
}
