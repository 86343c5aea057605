using System.Text.Json;

namespace Atelier.Cli.Tests;

/// <summary>Conversations on the command line.</summary>
[Collection(nameof(ToolCollection))]
public sealed class ConversationTests : IDisposable
{
    private const string Good =
        """{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}""";

    private static readonly string[] Tiny =
    [
        "--set", "model.layerCount=1", "--set", "model.headCount=2", "--set", "model.hiddenSize=16", "--set",
        "model.contextLength=64", "--set", "training.steps=3", "--set", "training.batchSize=2", "--set",
        "training.threads=1", "--set", "evaluation.bootstrapSamples=10", "--set", "data.tokenizer.kind=character",
        "--set", "training.schedule.warmupSteps=0", "--set", "evaluation.samples=1",
    ];

    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void Conversations_make_a_model_that_answers()
    {
        string file = _tool.At("talks.jsonl"), run = _tool.At("run");
        File.WriteAllLines(file, Enumerable.Range(0, 60).Select(i =>
            $$"""{"conversations": [{"from": "human", "value": "Say {{i}}"}, {"from": "gpt", "value": "{{i}}"}]}"""));
        ToolResult trained = _tool.Run(["train", "--conversations", file, .. Tiny, "--out", run, "--json"]);
        trained.Code.ShouldBe(0, trained.Error);
        ToolResult judged = _tool.Run("evaluate", run, "--json");
        judged.Code.ShouldBe(0, judged.Error);
        JsonDocument.Parse(judged.Out).RootElement.GetProperty("metrics").GetProperty("crossEntropyPerToken")
            .GetProperty("value").GetDouble().ShouldBeGreaterThan(0);
        _tool.Run("evaluate", run, "--against", file, "--json").Code.ShouldBe(0);
        ToolResult answered = _tool.Run("generate", run, "--prompt", "Say 5", "--max-tokens", "8", "--json");
        answered.Code.ShouldBe(0, answered.Error);
        JsonDocument.Parse(answered.Out).RootElement.GetProperty("samples").GetArrayLength().ShouldBe(1);
        // What is written is the answer to a message, not a text that begins with it.
        _tool.Run("generate", run, "--prompt", "Say 5", "--max-tokens", "8").Out.ShouldNotContain("Say 5");
        _tool.Run("generate", run, "--help").Out.ShouldContain("The message to answer.");
    }

    [Theory]
    [InlineData("{\"messages\": [", "line 2: is not JSON")]
    [InlineData("[1]", "line 2: is not an object")]
    [InlineData("{}", "line 2: has neither 'messages'")]
    [InlineData("""{"messages": [{"role": "user", "content": "a"}]}""", "line 2: has no answer")]
    [InlineData("""{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}""",
        "line 2: has 'conversations', but the conversations before it have 'messages'")]
    public void A_line_that_is_no_conversation_is_one_error_with_its_number(string line, string message)
    {
        string file = _tool.At("talks.jsonl");
        File.WriteAllLines(file, [Good, line]);
        ToolResult result = _tool.Run(["train", "--conversations", file, .. Tiny, "--out", _tool.At("run")]);
        result.Code.ShouldBe(2);
        result.Error.ShouldContain(message);
        Directory.Exists(_tool.At("run")).ShouldBeFalse();
    }

    [Fact]
    public void A_model_without_a_template_says_how_to_name_one()
    {
        string file = _tool.At("talks.jsonl"), run = _tool.At("text");
        File.WriteAllText(file, Good + "\n");
        _tool.Run(["train", "--text", _tool.Rhymes(), .. Tiny, "--out", run, "--json"]).Code.ShouldBe(0);
        ToolResult result = _tool.Run("train", "--conversations", file, "--from", run, "--out", _tool.At("run"));
        result.Code.ShouldBe(2);
        result.Error.ShouldContain("has no chat template");
        result.Error.ShouldContain("training.extendVocabulary");
    }

    [Fact]
    public void Keys_of_conversations_are_refused_for_text()
    {
        ToolResult result = _tool.Run("train", "--text", _tool.Rhymes(), "--set", "data.conversations.maxLength=64",
            "--out", _tool.At("run"));
        result.Code.ShouldBe(2);
        result.Error.ShouldContain("data.conversations.maxLength");
    }
}
