using System.Text.RegularExpressions;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.TestSupport;
using Microsoft.Extensions.AI;

namespace Atelier.Cli.Tests;

/// <summary>The programs of docs/runtime.md, which stand in this file as they stand on the page.</summary>
[Collection(nameof(ToolCollection))]
public sealed partial class RuntimePageTests : IDisposable
{
    private readonly ToolRunner _tool = new();
    private readonly string _folderBefore = Environment.CurrentDirectory;
    private readonly TextWriter _outputBefore = Console.Out;
    private readonly StringWriter _output = new();

    public RuntimePageTests()
    {
        Environment.CurrentDirectory = _tool.Folder;
        Console.SetOut(_output);
    }

    public void Dispose()
    {
        Console.SetOut(_outputBefore);
        Environment.CurrentDirectory = _folderBefore;
        _output.Dispose();
        _tool.Dispose();
    }

    [Fact]
    public void Each_program_of_the_page_is_in_this_file()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Folder, "docs", "runtime.md"));
        string tests = Lines(File.ReadAllText(
            Path.Combine(Repository.Folder, "tests", "Atelier.Cli.Tests", $"{nameof(RuntimePageTests)}.cs")));
        string[] shown = [.. Snippet().Matches(page).Select(match => Lines(match.Groups["text"].Value.Trim()))];
        shown.Length.ShouldBe(7);
        shown.ShouldAllBe(snippet => tests.Contains(snippet));

        static string Lines(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim()));
    }

    [Fact]
    public async Task Its_programs_with_text_models_run()
    {
        Train("gpt", "runs/mine", "model.contextLength=256");
        (string answered, int streamed) = await WriteAsync();
        answered.ShouldNotBeEmpty();
        _output.ToString()[..streamed].ShouldNotBeEmpty();
        _output.ToString()[streamed..].ShouldContain("0.3: ");
    }

    [Fact]
    public async Task Its_programs_with_encoders_run()
    {
        Train("bert", "runs/encoder");
        Directory.Move("runs/encoder/bundle", "all-MiniLM-L6-v2");
        (float[] vector, float[] same) = await EmbedAsync();
        vector.ShouldBe(same);
        Directory.Move("all-MiniLM-L6-v2", "bert-base-uncased");
        Fill().Text.ShouldContain("sat on");
    }

    [Fact]
    public async Task Its_program_from_text_to_text_runs()
    {
        File.WriteAllText(_tool.At("pairs.tsv"), "source\ttarget\n" + string.Concat(Enumerable.Range(0, 60)
            .Select(i => $"a dog runs {i} times .\tein hund rennt {i} mal .\n")));
        Train(["--pairs", _tool.At("pairs.tsv"), "--model", "transformer"], "runs/captions",
            "model.encoderLayerCount=1", "model.decoderLayerCount=1");
        (await TranslateAsync()).Count.ShouldBe(2);
    }

    private static InfilledSample Fill()
    {
        using MaskedTextGenerator generator = MaskedTextFile.Open("bert-base-uncased");
        InfilledSample filled = generator.Infill("The [MASK] sat on the mat.");

        return filled;
    }

    private static async Task<IReadOnlyList<TextSample>> TranslateAsync()
    {
        using SequenceToSequenceGenerator translator = SequenceToSequenceFile.Open("runs/captions");
        var request = new GenerationRequest { Decoding = translator.Defaults with { BeamWidth = 5 } };
        IReadOnlyList<TextSample> targets =
            await translator.GenerateManyAsync(["a dog runs .", "two people sit ."], request);

        return targets;
    }

    private static async Task<(string Answered, int Streamed)> WriteAsync()
    {
        using TextGenerator generator = TextModelFile.Open("runs/mine");
        await foreach (TextPiece piece in generator.StreamAsync(new() { Prompt = "Once upon a time", Seed = 7 }))
            Console.Write(piece.Text);

        int streamed = Console.Out.ToString()!.Length;
        using IChatClient client = new TextChatClient(generator, "storyteller");
        var options = new ChatOptions { Temperature = 0.8f, MaxOutputTokens = 200 };
        ChatResponse answer = await client.GetResponseAsync("Once upon a time", options);

        using var batch = new BatchedDecoder(generator);
        int first = batch.Add(new() { Prompt = "Once", Count = 4 });
        while (batch.Count > 0)
        {
            foreach (BatchedPiece piece in batch.Step())
                Console.WriteLine($"{piece.Request}.{piece.Piece.Sample}: {piece.Piece.Text}");
        }

        first.ShouldBe(0);
        return (answer.Text, streamed);
    }

    private static async Task<(float[] Vector, float[] Same)> EmbedAsync()
    {
        using TextEmbedder embedder = TextEmbedderFile.Open("all-MiniLM-L6-v2");
        IReadOnlyList<float[]> vectors = embedder.Embed(["A cat sat on a mat.", "A cat was sitting on a rug."]);

        using IEmbeddingGenerator<string, Embedding<float>> generator = new TextEmbeddingGenerator(embedder, "minilm");
        GeneratedEmbeddings<Embedding<float>> answer = await generator.GenerateAsync(["A cat sat on a mat."]);

        return (vectors[0], answer[0].Vector.ToArray());
    }

    /// <summary>Trains a tiny model for a step.</summary>
    private void Train(string family, string run, params string[] settings) =>
        Train(["--text", _tool.Rhymes(), "--model", family], run, ["model.layerCount=1", .. settings]);

    private void Train(string[] data, string run, params string[] settings)
    {
        string[] all = ["training.steps=1", "model.hiddenSize=16", "generation.maxTokens=8",
            "evaluation.bootstrapSamples=10", .. settings];
        ToolResult trained = _tool.Run(["train", .. data, "--out", run,
            .. all.SelectMany(setting => (string[])["--set", setting])]);
        trained.Code.ShouldBe(0, trained.Error);
    }

    [GeneratedRegex("```csharp\n(?<text>.*?)```", RegexOptions.Singleline, 1000)]
    private static partial Regex Snippet();
}
