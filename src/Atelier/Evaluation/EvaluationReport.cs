using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Atelier.Evaluation;

/// <summary>
/// The evaluation of a model: its metrics on held-out data compared with those of baselines, and further sections such
/// as the properties of its samples.
/// </summary>
public sealed record EvaluationReport
{
    /// <summary>The JSON options of the report, without indentation.</summary>
    internal static readonly JsonSerializerOptions Compact = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, // a perplexity may be infinite
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private static readonly JsonSerializerOptions Options = new(Compact) { WriteIndented = true };

    /// <summary>The name of the file in the folder of a run.</summary>
    internal const string FileName = "report.json";

    /// <summary>The name of the best possible baseline, which is the true distribution of a world.</summary>
    internal const string ExactEntropy = "exactEntropy";

    /// <summary>The evaluated run or bundle.</summary>
    public required string Run { get; init; }

    /// <summary>The data of the evaluation: the source and the part.</summary>
    public required string Data { get; init; }

    /// <summary>The metric that the verdict is about.</summary>
    public Headline Headline { get; init; } = Headline.CrossEntropy;

    /// <summary>The model's metrics by name.</summary>
    public required IReadOnlyDictionary<string, Metric> Metrics { get; init; }

    /// <summary>
    /// The metrics of the baselines, by name of the baseline: "ngram5", and for worlds "exactEntropy", which no model
    /// beats on average.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, Metric>> Baselines { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, Metric>>();

    /// <summary>The comparison of the headline metric with that of each baseline, by name of the baseline.</summary>
    public IReadOnlyDictionary<string, Comparison> Comparisons { get; init; } = new Dictionary<string, Comparison>();

    /// <summary>
    /// The headline metric of each evaluated item, for comparing runs; null if the metric is not a mean over items.
    /// </summary>
    [JsonIgnore]
    public JudgedScores? Scores { get; init; }

    /// <summary>How the metrics were measured, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Further metrics, images and samples, which the task of the model chooses.</summary>
    public IReadOnlyList<ReportSection> Sections { get; init; } = [];

    /// <summary>The samples of all sections, as text.</summary>
    [JsonIgnore]
    public IEnumerable<string> Samples => Sections.SelectMany(section => section.Samples);

    /// <summary>The name of the headline plot in the run's folder plots/; null if there is none.</summary>
    public string? Picture { get; init; }

    /// <summary>A short verdict: the comparison with the baselines.</summary>
    public string Verdict
    {
        get
        {
            Metric own = Metrics[Headline.Metric];
            CultureInfo invariant = CultureInfo.InvariantCulture;
            var parts = new List<string>
            {
                string.Create(invariant, $"{Headline.Part} {own.Value:0.000} {Headline.Unit}"),
            };
            foreach ((string name, var metrics) in Baselines)
            {
                if (!metrics.TryGetValue(Headline.Metric, out Metric? metric))
                    continue;
                Comparison comparison =
                    Comparisons.GetValueOrDefault(name) ?? Comparison.ByIntervals(own, metric, Headline);
                parts.Add(name == ExactEntropy
                    ? string.Create(invariant,
                        $"best possible {metric.Value:0.000} ({(own.Value / metric.Value) - 1:+0.0%;-0.0%} from it)")
                    : string.Create(invariant, $"{name} {metric.Value:0.000} ({comparison})"));
            }
            return string.Join(", ", parts);
        }
    }

    /// <summary>The differences that the verdict is based on, one sentence each.</summary>
    [JsonIgnore]
    public IEnumerable<string> Differences =>
        Comparisons.Where(c => c.Value.Basis != ComparisonBasis.None)
            .Select(c => string.Create(CultureInfo.InvariantCulture,
            $"The model minus {c.Key}: {c.Value.Difference.ToText()} {c.Value.Difference.Unit}; {c.Key} is "
                + $"{c.Value}."));

    /// <summary>Returns the report as one JSON object in camelCase, with unrounded numbers.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>Parses the result of <see cref="ToJson"/>.</summary>
    /// <exception cref="JsonException">The text is not a report.</exception>
    public static EvaluationReport FromJson(string json) =>
        JsonSerializer.Deserialize<EvaluationReport>(json, Options) ?? throw new JsonException("null is no report");

    /// <summary>Reads the report from the folder of a run; null if the run was not evaluated.</summary>
    /// <exception cref="AtelierException">The file is damaged.</exception>
    public static EvaluationReport? Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return null;
        try
        {
            return FromJson(File.ReadAllText(path));
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"the report cannot be read: {e.Message.TrimEnd('.')}", path,
                $"evaluate the run again: {Mention.Command("evaluate")}", e);
        }
    }

    /// <summary>Returns the report as Markdown, for people.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Evaluation of {Run}\n\nOn {Data}: {Verdict}.\n\n");
        if (Picture is not null)
            text.Append(CultureInfo.InvariantCulture, $"![The model compared with the baselines](plots/{Picture})\n\n");
        string[] columns = [.. Baselines.Keys];
        text.Append("| figure | model |").Append(string.Concat(columns.Select(c => $" {c} |"))).Append('\n');
        text.Append("|---|---|").Append(string.Concat(columns.Select(_ => "---|"))).Append('\n');
        foreach ((string name, Metric metric) in Metrics)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {name} ({metric.Unit}) | {metric.ToText()} |");
            foreach (string column in columns)
                text.Append(CultureInfo.InvariantCulture,
                    $" {(Baselines[column].TryGetValue(name, out Metric? other) ? other.ToText() : "")} |");
            text.Append('\n');
        }
        text.Append('\n').AppendJoin('\n', Notes.Concat(Differences).Select(note => $"- {note}")).Append('\n');
        foreach (ReportSection section in Sections)
            section.AppendTo(text);
        return text.ToString();
    }
}
