using System.Text.Json;

namespace Atelier.Cli.Tests;

/// <summary>Classifiers of texts and learning curves on the command line.</summary>
[Collection(nameof(ToolCollection))]
public sealed class HeadsTests : IDisposable
{
    private static readonly string[] Tiny =
    [
        "--set", "model.family=bert", "--set", "model.layerCount=1", "--set", "model.headCount=2", "--set",
        "model.hiddenSize=16", "--set", "model.contextLength=16", "--set", "training.steps=4", "--set",
        "training.batchTokens=128", "--set", "training.schedule.warmupSteps=0", "--set", "training.threads=1",
        "--set", "evaluation.bootstrapSamples=10",
    ];

    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void A_table_of_texts_and_labels_makes_a_classifier_that_answers_in_json()
    {
        string table = Path.Combine(_tool.Folder, "texts.csv"), run = Path.Combine(_tool.Folder, "run");
        File.WriteAllLines(table, Enumerable.Range(0, 60).Select(i => $"{(i % 2 == 0 ? "good" : "bad")} {i},{i % 2}")
            .Prepend("text,label"));
        string[] data = ["--labelled", table, "--set", "data.column=text", "--set", "data.label=label"];
        ToolResult trained = _tool.Run(["train", .. data, .. Tiny, "--out", run, "--json"]);
        trained.Code.ShouldBe(0, trained.Error);
        JsonDocument.Parse(trained.Out).RootElement.GetProperty("metrics").TryGetProperty("macroF1", out _)
            .ShouldBeTrue();
        ToolResult answered = _tool.Run("generate", run, "--prompt", "good 5", "--json");
        answered.Code.ShouldBe(0, answered.Error);
        JsonElement sample = JsonDocument.Parse(answered.Out).RootElement.GetProperty("samples")[0];
        sample.GetProperty("text").GetString().ShouldBe("good 5");
        JsonElement probabilities = sample.GetProperty("probabilities");
        (probabilities.GetProperty("0").GetDouble() + probabilities.GetProperty("1").GetDouble()).ShouldBe(1, 1e-6);
        _tool.Run("generate", run, "--help").Out.ShouldContain("one of 0, 1");
        ToolResult missing = _tool.Run(["train", .. data[..4], .. Tiny, "--out", run + "2"]);
        missing.Code.ShouldBe(2);
        missing.Error.ShouldContain("data.label");
    }

    [Fact]
    public void A_curve_has_a_row_for_each_number_and_is_drawn_with_another()
    {
        string file = Path.Combine(_tool.Folder, "tags.conllu"), curve = Path.Combine(_tool.Folder, "curve");
        File.WriteAllText(file, string.Concat(Enumerable.Range(0, 60).Select(i =>
            $"1\tw{i % 7}\t_\tA\t_\t_\t_\t_\t_\t_\n2\tv{i % 5}\t_\tB\t_\t_\t_\t_\t_\t_\n\n")));
        string[] settings = ["--set", $"data.source={file}", "--set", "data.kind=tagged"];
        ToolResult first = _tool.Run(["curve", "ewt-tagger", .. settings, "--examples", "5,20", "--out", curve,
            "--json"]);
        first.Code.ShouldBe(0, first.Error);
        JsonElement points = JsonDocument.Parse(first.Out).RootElement.GetProperty("points");
        points.GetArrayLength().ShouldBe(2);
        points[1].GetProperty("examples").GetInt32().ShouldBe(20);
        points[1].GetProperty("accuracy").GetProperty("value").GetDouble().ShouldBeInRange(0, 1);
        string second = curve + "-bert";
        ToolResult next = _tool.Run(["curve", "ewt-tagger-bert", .. settings, .. Tiny, "--examples", "5", "--out",
            second, "--with", curve]);
        next.Code.ShouldBe(0, next.Error);
        next.Out.ShouldContain("accuracy");
        File.Exists(Path.Combine(second, "curve.png")).ShouldBeTrue();
        ToolResult wrong = _tool.Run("curve", "ewt-tagger", "--examples", "5,x");
        wrong.Code.ShouldBe(2);
        wrong.Error.ShouldContain("'x' is not a number of examples");
    }
}
