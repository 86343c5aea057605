using System.Text.Json;
using System.Text.RegularExpressions;

namespace Atelier.Cli.Tests;

/// <summary>Samples that must be something, and drafts, from the command line.</summary>
[Collection(nameof(ToolCollection))]
public sealed class GenerateTests : IDisposable
{
    private readonly ToolRunner _tool = new();
    private readonly string _run;

    public GenerateTests()
    {
        _run = _tool.At("run");
        ToolResult trained = _tool.Run("train", "quickstart", "--out", _run, "--set", "training.steps=3", "--set",
            "data.worldDocuments=200", "--set", "data.tokenizer.kind=byte",
            "--set", "model.layerCount=1", "--set", "model.hiddenSize=16", "--set", "model.contextLength=64",
            "--set", "evaluation.samples=1", "--set", "evaluation.sampleTokens=8", "--set",
                "evaluation.bootstrapSamples=10");
        trained.Code.ShouldBe(0, trained.Error);
    }

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void Samples_match_a_pattern_or_follow_a_schema_and_drafts_tell_how_often_they_were_right()
    {
        JsonElement held =
            _tool.Run("generate", _run, "--pattern", "(cat|dog)s? [0-9]{2}", "--count", "5", "--json").Json;
        foreach (JsonElement sample in held.GetProperty("samples").EnumerateArray())
        {
            Regex.IsMatch(sample.GetProperty("text").GetString()!, @"\A(cat|dog)s? [0-9]{2}\z",
                RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).ShouldBeTrue();
            sample.GetProperty("finishReason").GetString().ShouldBe("end");
        }

        string schema = _tool.At("schema.json");
        File.WriteAllText(schema, """
            { "type": "object", "properties": { "n": { "type": "integer", "minimum": 10, "maximum": 20 } },
              "required": ["n"] }
            """);
        string json = _tool.Run("generate", _run, "--schema", schema).Out;
        JsonDocument.Parse(json).RootElement.GetProperty("n").GetInt32().ShouldBeInRange(10, 20);

        string[] greedy = ["generate", _run, "--temperature", "0", "--max-tokens", "40", "--prompt", "The ", "--json"];
        JsonElement plain = _tool.Run(greedy).Json.GetProperty("samples")[0];
        JsonElement drafted =
            _tool.Run([.. greedy, "--draft", _run, "--draft-tokens", "3"]).Json.GetProperty("samples")[0];
        JsonElement looked = _tool.Run([.. greedy, "--lookup", "2"]).Json.GetProperty("samples")[0];
        drafted.GetProperty("text").GetString().ShouldBe(plain.GetProperty("text").GetString());
        looked.GetProperty("text").GetString().ShouldBe(plain.GetProperty("text").GetString());
        drafted.GetProperty("speculation").GetProperty("acceptanceRate").GetDouble().ShouldBe(1);
        looked.GetProperty("speculation").GetProperty("accepted").GetInt32().ShouldBeGreaterThan(0);
        plain.TryGetProperty("speculation", out _).ShouldBeFalse();
    }

    [Fact]
    public void What_cannot_be_held_is_told_in_one_line()
    {
        _tool.Run("generate", _run, "--pattern", "[0-9]{100}", "--max-tokens",
            "5").Error.ShouldContain("before the constraint was met");
        foreach ((string[] more, string says) in ((string[], string)[])
        [
            (["--pattern", "(a"], "a group is not closed"),
            (["--schema", _tool.At("none.json")],
                $"{_tool.At("none.json")}: there is no such file; check the path given with --schema"),
            (["--pattern", "a", "--schema", Path.Combine(_run, "bundle", "config.json")], "a pattern and a schema"),
                (["--lookup", "-1"], "--lookup is '-1'"),
            (["--draft", _run, "--lookup", "2"], "use one of them"),
                (["--draft", _tool.At("nothing")], "there is no such folder"),
        ])
        {
            ToolResult result = _tool.Run(["generate", _run, .. more]);
            result.Code.ShouldBe(2, result.Error);
            result.Error.Trim().Split('\n').ShouldHaveSingleItem().ShouldContain(says);
        }
    }
}
