using Atelier.Abstractions;
using Atelier.Data.Tables;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Models.Independent;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Tasks.Tables;
using Atelier.Tests.Data;

namespace Atelier.Tests.Tasks.Tables;

public sealed class TableEvaluatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private TableData Prepare(SplitSection split)
    {
        File.WriteAllText(_folder["t.csv"],
            "coin,dice\n"
            + string.Concat(Enumerable.Range(0, 300).Select(i => $"{(i % 3 == 0 ? "head" : "tail")},{i % 5}\n")));
        return TableData.Prepare(new DataSection { Source = _folder["t.csv"], Split = split }, 1, _folder["data"]);
    }

    [Fact]
    public async Task Log_likelihood_and_bic_are_the_closed_forms_of_two_frequency_tables()
    {
        using TableData data = Prepare(SplitSection.None);
        using var model = IndependentModel.Count(data.Train, smoothing: 0);
        EvaluationReport report = await new TableTask().EvaluateAsync(
            new EvaluationContext(model, data, new EvaluationSection { Samples = 3 }, "run", 1,
                null) { Families = ModelFamilies.All }, null, CancellationToken.None);
        double expected = (100 * Math.Log(1 / 3.0)) + (200 * Math.Log(2 / 3.0)) + (300 * Math.Log(1 / 5.0));
        report.Metrics["logLikelihood"].Value.ShouldBe(expected, 1e-9);
        report.Metrics["logLikelihoodPerRow"].Value.ShouldBe(expected / 300, 1e-12);
        report.Metrics["bic"].Value.ShouldBe(expected - (5 / 2.0 * Math.Log(300)), 1e-9);
        report.Metrics["freeParameters"].Value.ShouldBe(5);
        report.Verdict.ShouldStartWith("on its own training rows");
        report.Samples.Count().ShouldBe(3);
        report.Baselines.ShouldBeEmpty("independent columns are not held against themselves");
        report.Notes.ShouldContain(note => note.Contains("it is the model itself"));
        EvaluationReport.FromJson(report.ToJson()).Verdict.ShouldBe(report.Verdict);
    }

    [Fact]
    public async Task Rows_held_out_are_what_is_judged_by()
    {
        using TableData data = Prepare(new SplitSection { Train = 0.5, Validation = 0.1, Test = 0.4 });
        using var model = IndependentModel.Count(data.Train);
        EvaluationReport report = await new TableTask().EvaluateAsync(
            new EvaluationContext(model, data, new EvaluationSection { Samples = 0 }, "run", 1,
                _folder["picture.png"]) { Families = ModelFamilies.All }, null, CancellationToken.None);
        report.Metrics["logLikelihood"].Value.ShouldBe(model.LogLikelihoods(data.Test).Sum(), 1e-9);
        report.Verdict.ShouldStartWith("held-out");
        File.Exists(_folder["picture.png"]).ShouldBeTrue();
    }

    [Fact]
    public async Task On_rows_that_were_learned_from_the_verdict_goes_by_bic_and_on_held_out_rows_by_pairs()
    {
        var options = new EvaluationSection { Samples = 0 };
        async Task<EvaluationReport> Judge(SplitSection split, long parameters)
        {
            using TableData data = Prepare(split);
            using var independent = IndependentModel.Count(data.Train);
            return await new TableTask()
                .EvaluateAsync(new EvaluationContext(new Better(independent, parameters), data, options, "run", 1,
                null) { Families = ModelFamilies.All }, null, CancellationToken.None);
        }
        // Half a nat a row better: 150 nats over 300 rows, which 162,898 parameters do not earn.
        EvaluationReport many = await Judge(SplitSection.None, 162_898);
        many.Metrics["logLikelihood"].Value.ShouldBeGreaterThan(many.Baselines["independent"]["logLikelihood"].Value);
        many.Verdict.ShouldContain("(not beaten by BIC)");
        (await Judge(SplitSection.None, 5)).Verdict.ShouldContain("(beaten by BIC)");
        EvaluationReport held = await Judge(new SplitSection { Train = 0.5, Validation = 0, Test = 0.5 }, 162_898);
        held.Verdict.ShouldContain("(beaten)");
        held.Comparisons["independent"].Difference.Value.ShouldBe(0.5, 1e-9);
        held.Comparisons["independent"].Basis.ShouldBe(ComparisonBasis.Paired);
        held.ToMarkdown().ShouldContain("The model minus independent: 0.5000");
    }

    [Fact]
    public void Draws_have_the_frequencies_of_the_table_and_keep_what_is_given()
    {
        using TableData data = Prepare(SplitSection.None);
        using var model = IndependentModel.Count(data.Train, smoothing: 0);
        const int count = 4000;
        RowSample[] rows =
            [.. model.GenerateAsync(new GenerationRequest { Count = count,
            Evidence = new Dictionary<string, string> { ["dice"] = "3" } })
            .ToBlockingEnumerable().Cast<RowSample>()];
        rows.ShouldAllBe(row => row.Values[1].ToString() == "3");
        int heads = rows.Count(row => row.Values[0].ToString() == "head");
        double deviation = Math.Sqrt(count / 3.0 * 2 / 3);
        heads.ShouldBeInRange((int)((count / 3.0) - (4 * deviation)), (int)((count / 3.0) + (4 * deviation)));
        rows[0].LogProbability!.Value.ShouldBe(Math.Log(rows[0].Values[0].ToString() == "head" ? 1 / 3.0 : 2 / 3.0)
            + Math.Log(0.2), 1e-12);
        rows[0].ToJson()["row"]!["dice"]!.GetValue<string>().ShouldBe("3");
        Should.Throw<AtelierException>(() =>
            model.GenerateAsync(new GenerationRequest { Evidence = new Dictionary<string, string> { ["die"] = "3" } })
            .ToBlockingEnumerable().First()).Hint!.ShouldContain("dice");
        Should.Throw<AtelierException>(() =>
            model.GenerateAsync(new GenerationRequest { Prompt = "x" }).ToBlockingEnumerable().First())
            .Message.ShouldContain("does not support a prompt");
        Should.Throw<AtelierException>(() =>
            model.GenerateAsync(new GenerationRequest { Decoding = new() { Temperature = 0.5 } }).ToBlockingEnumerable()
            .First())
            .Message.ShouldContain("does not support");
    }

    [Fact]
    public void Counts_have_no_decimals_and_other_figures_have_four()
    {
        new Metric(12345, 12345, 12345, Metric.Numbers).ToText().ShouldBe("12,345");
        new Metric(1, 1, 1, "nats").ToText().ShouldBe("1.0000");
        new Metric(1, 0.5, 2, "nats").ToText().ShouldBe("1.0000 [0.5000, 2.0000]");
    }

    /// <summary>Another model, to which every row is half a nat likelier.</summary>
    private sealed class Better(IRowModel model, long parameters) : ITrainedModel, IRowModel
    {
        public TableSchema Schema => model.Schema;

        public long FreeParameters => parameters;

        public double[] LogLikelihoods(TableRows rows, CancellationToken cancellation = default) =>
            [.. model.LogLikelihoods(rows, cancellation).Select(nats => nats + 0.5)];

        public void Dispose()
        {
        }
    }
}
