using System.Globalization;
using System.Text.Json;
using Atelier.Evaluation.Plots;
using Atelier.Formats;
using ScottPlot;

namespace Atelier.Evaluation;

/// <summary>A point of a learning curve.</summary>
/// <param name="Examples">The number of training examples.</param>
/// <param name="Metric">The headline metric of the model that was trained on them.</param>
/// <param name="Seconds">The training time in seconds.</param>
/// <param name="Run">The folder of the run.</param>
public sealed record LearningCurvePoint(int Examples, Metric Metric, double Seconds, string Run);

/// <summary>The headline metric of models that were trained by one recipe on more and more examples.</summary>
/// <param name="Name">The name of the curve, such as that of the recipe.</param>
/// <param name="Headline">The metric.</param>
/// <param name="Points">The points, in the order of their numbers of examples.</param>
public sealed record LearningCurve(string Name, Headline Headline, IReadOnlyList<LearningCurvePoint> Points)
{
    /// <summary>The names of the files in the folder of a curve.</summary>
    public const string FileName = "curve.json", PlotName = "curve.png";

    /// <summary>Writes curve.json to a folder.</summary>
    /// <exception cref="AtelierException">The folder cannot be written.</exception>
    public void Write(string folder) =>
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, EvaluationReport.Compact));

    /// <summary>Reads the curve.json of a folder.</summary>
    /// <exception cref="AtelierException">There is no curve, or the file is damaged.</exception>
    public static LearningCurve Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            return JsonSerializer.Deserialize<LearningCurve>(File.ReadAllBytes(path), EvaluationReport.Compact)
                is { Headline.Metric: not null, Points.Count: > 0 } curve ? curve
                : throw new JsonException("it has no points");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"is no learning curve: {e.Message.TrimEnd('.')}", path,
                $"make one first: {Mention.Command("curve")}", e);
        }
    }

    /// <summary>
    /// Plots curves over the number of examples on a logarithmic axis, with their 95 % intervals, as PNG.
    /// </summary>
    /// <param name="path">The path of the PNG to write.</param>
    /// <param name="curves">The curves, of the same metric.</param>
    /// <exception cref="AtelierException">The curves have different metrics, or the file cannot be written.</exception>
    public static void SavePlot(string path, IReadOnlyList<LearningCurve> curves)
    {
        Headline headline = curves[0].Headline;
        if (curves.FirstOrDefault(curve => curve.Headline.Metric != headline.Metric) is { } other)
            throw new AtelierException($"the curve {other.Name} has the metric {other.Headline.Metric}, and "
                + $"{curves[0].Name} has {headline.Metric}", path, "draw curves of the same kind of data");
        CurvePlot.Save(path, [.. curves.Select(curve => (curve.Name,
            (IReadOnlyList<(double, Metric)>)[.. curve.Points.Select(p => ((double)p.Examples, p.Metric))]))],
            "training examples", count => count.ToString("#,0", CultureInfo.InvariantCulture), headline,
            Alignment.LowerRight);
    }
}
