using System.Text.Json;

namespace Atelier.Cli.Tests;

/// <summary>A study from the command line: outputs, raters, report and exports.</summary>
[Collection(nameof(ToolCollection))]
public sealed class RateTests : IDisposable
{
    private static readonly string[] Tiny =
    [
        "--set", "training.steps=20", "--set", "model.layerCount=1", "--set", "model.headCount=2", "--set",
            "model.hiddenSize=16", "--set", "model.contextLength=32", "--set", "training.batchSize=4", "--set",
            "evaluation.samples=1", "--set", "evaluation.bootstrapSamples=10", "--set", "generation.maxTokens=40",
    ];

    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void A_study_is_created_answered_and_exported()
    {
        string run = _tool.At("run"), other = _tool.At("other"), study = _tool.At("study"),
            prompts = _tool.At("prompts.txt");
        _tool.Run(["train", "--text", _tool.Rhymes(), "--out", run, .. Tiny]).Code.ShouldBe(0);
        // another seed: pairs of the same outputs would be left out
        _tool.Run(["train", "--text", _tool.Rhymes(), "--out", other, "--seed", "2", .. Tiny]).Code.ShouldBe(0);
        File.WriteAllText(prompts, "1 little boat\n\n2 little boats\n");
        ToolResult created = _tool.Run("rate", "create", $"a={run}", $"b={other}", "--prompts", prompts, "--count",
            "2", "--out", study, "--json");
        created.Code.ShouldBe(0, created.Error);
        ToolResult invited = _tool.Run("rate", "invite", study, "ann", "ben", "--json");
        invited.Code.ShouldBe(0, invited.Error);
        JsonElement rater = invited.Json.GetProperty("raters")[0];
        rater.GetProperty("link").GetString().ShouldStartWith("http://127.0.0.1:5080/#/rate/");
        ToolResult report = _tool.Run("rate", "report", study, "--json");
        report.Code.ShouldBe(0, report.Error);
        report.Json.GetProperty("scores").GetArrayLength().ShouldBe(2);
        report.Json.GetProperty("answers").GetInt32().ShouldBe(0);
        _tool.Run("rate", "report", study).Out.ShouldContain("points");
        _tool.Run("rate", "export", study, "--out", _tool.At("answers.csv")).Code.ShouldBe(0);
        File.ReadAllLines(_tool.At("answers.csv")).Length.ShouldBe(1, "the names of the columns");

        _tool.Run("rate", "create", $"a={run}", $"b={run}", "--out", study).Error.ShouldContain("not empty");
        _tool.Run("rate", "create", $"a={run}", $"a={run}", "--out", _tool.At("x")).Error
            .ShouldContain("two models are named 'a'");
        _tool.Run("rate", "export", study, "--out", _tool.At("answers.txt")).Code.ShouldBe(2);
        _tool.Run("rate", "report", _tool.At("nowhere")).Code.ShouldBe(2);
    }

    [Fact]
    public void A_server_that_cannot_start_says_why()
    {
        _tool.Run("serve", _tool.At("nothing")).Error.ShouldContain("there is no such folder");
        File.WriteAllText(_tool.At("keys"), "rubbish\n");
        _tool.Run("serve", "--keys", _tool.At("keys"), "--study", _tool.At("none.db")).Code.ShouldBe(2);
        _tool.Run("serve", "--host", "here").Error.ShouldContain("is no address");
        _tool.Run("serve", $"m={_tool.At("keys")}", "--timeout", "0").Error.ShouldContain("allowed");
        ToolResult key = _tool.Run("serve", "--keys", _tool.At("new-keys"), "--new-key", "alice", "--json");
        key.Code.ShouldBe(0, key.Error);
        File.ReadAllText(_tool.At("new-keys")).ShouldNotContain(key.Json.GetProperty("key").GetString()!);
    }
}
