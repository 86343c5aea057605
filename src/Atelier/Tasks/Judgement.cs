using Atelier.Evaluation;

namespace Atelier.Tasks;

/// <summary>A model that is judged beside baselines on the same items, of which a report is made.</summary>
/// <param name="context">The options of the evaluation.</param>
/// <param name="on">The data.</param>
/// <param name="headline">The metric that the verdict is about.</param>
/// <param name="own">The metrics of the model.</param>
internal sealed class Judgement(EvaluationContext context, JudgedOn on, Headline headline, JudgedModel own)
{
    private readonly Dictionary<string, IReadOnlyDictionary<string, Metric>> _baselines = [];
    private readonly Dictionary<string, Comparison> _comparisons = [];

    /// <summary>Compares the model with a baseline, item by item.</summary>
    public void Compare(string name, JudgedModel baseline) =>
        Add(name, baseline.Figures, on.Compare(headline, own, baseline, context.Options, context.Seed));

    /// <summary>Adds the metrics of a baseline, and the result of a comparison with it if there is one.</summary>
    public void Add(string name, IReadOnlyDictionary<string, Metric> figures, Comparison? comparison = null)
    {
        _baselines[name] = figures;
        if (comparison is not null)
            _comparisons[name] = comparison;
    }

    /// <summary>Returns the report, and saves its picture if the context asks for one.</summary>
    /// <param name="content">A hash of the data.</param>
    /// <param name="sections">The sections of the report.</param>
    /// <param name="notes">Notes for the reader, one sentence each.</param>
    public EvaluationReport Report(string content, IReadOnlyList<ReportSection> sections, IReadOnlyList<string> notes)
    {
        var report = new EvaluationReport
        {
            Run = context.Run,
            Data = on.Data,
            Headline = headline,
            Metrics = own.Figures,
            Baselines = _baselines,
            Comparisons = _comparisons,
            Scores = JudgedScores.Of(on, content, headline, own.Scores),
            Sections = sections,
            Picture = Path.GetFileName(context.Picture),
            Notes = notes,
        };
        if (context.Picture is not null)
            EvaluationPlot.Save(context.Picture, report);
        return report;
    }
}
