using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Kernels;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests;

public sealed class TextModelFileTests : IDisposable
{
    private static readonly DecodingOptions Greedy = new() { Temperature = 0, MaxTokens = 200 };
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_model_of_llama2_c_writes_the_text_that_llama2_c_writes()
    {
        using TextGenerator generator = TextModelFile.Open(Stories());
        Write(generator).ShouldBe(Expected());
    }

    [Fact]
    public void The_same_model_writes_the_same_text_from_every_kind_of_file()
    {
        string gguf = Path.Combine(_folder, "stories.gguf"), folder = Path.Combine(_folder, "run", "bundle");
        Directory.CreateDirectory(folder);
        Llama2CFile file = Llama2CFile.Open(Stories());
        SentencePieceTokenizer tokenizer =
            SentencePieceTokenizer.FromLlama2C(DataFolder.File("weights", "stories260K", "tok512.bin"));
        string config = file.ToHuggingFace().ToJsonString();
        using (ModelWeights weights = ModelWeights.FromLlama2C(file))
        {
            ModelWriter.WriteGguf(gguf, weights, new ConfigFile("config.json", JsonDocument.Parse(config).RootElement),
                tokenizer, TextBounds.Of(tokenizer, tokenizer.BeginId!.Value));
            ModelWriter.WriteSafetensors(Path.Combine(folder, "model.safetensors"), weights);
        }
        File.WriteAllText(Path.Combine(folder, "config.json"), config);
        tokenizer.Save(Path.Combine(folder, "tokenizer.json"));
        new GenerationConfigFile(Greedy with { MaxTokens = 9 }, tokenizer.BeginId, [tokenizer.EndOfTextId!.Value])
            .Write(Path.Combine(folder, "generation_config.json"));
        foreach (string path in (string[])[gguf, folder, Path.Combine(_folder, "run")])
        {
            using TextGenerator generator = TextModelFile.Open(path);
            Write(generator).ShouldBe(Expected(), path);
        }
        using TextGenerator own = TextModelFile.Open(folder);
        own.Defaults.MaxTokens.ShouldBe(9);
    }

    [Fact]
    public void A_real_model_keeps_its_greedy_text_with_look_up_with_a_draft_and_in_a_batch()
    {
        using TextGenerator generator = TextModelFile.Open(Stories()), draft = TextModelFile.Open(Stories());
        Write(generator, Greedy with { Lookup = 3 }).ShouldBe(Expected());
        using (var batch = new BatchedDecoder(generator))
        {
            batch.Add(new() { Prompt = "Tom", Decoding = new() { MaxTokens = 40 } });
            batch.Step();
            int late = batch.Add(new() { Decoding = Greedy });
            string text = "";
            while (batch.Count > 0)
                text += string.Concat(batch.Step().Where(p => p.Request == late).Select(p => p.Piece.Text));
            text.ShouldBe(Expected());
        }
        generator.Draft = draft;
        TextSample sample = generator.GenerateAsync(new() { Decoding = Greedy }).ToBlockingEnumerable().Single();
        sample.Text.ShouldBe(Expected());
        sample.Speculation.AcceptanceRate.ShouldBe(1);
    }

    [Fact]
    public async Task A_real_model_answers_as_a_chat_client_in_json()
    {
        using TextGenerator generator = TextModelFile.Open(Stories());
        using IChatClient client = new TextChatClient(generator);
        var schema = JsonElement.Parse("""
            { "type": "object", "properties": { "name": { "type": "string", "maxLength": 12 },
              "happy": { "type": "boolean" } }, "required": ["name", "happy"] }
            """);
        ChatResponse response = await client.GetResponseAsync("Once upon a time",
            new ChatOptions { Seed = 3, Temperature = 0.7f,
            ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) });
        JsonElement answer = JsonDocument.Parse(response.Text).RootElement;
        answer.GetProperty("name").GetString()!.Length.ShouldBeLessThanOrEqualTo(12);
        answer.GetProperty("happy").ValueKind.ShouldBeOneOf(JsonValueKind.True, JsonValueKind.False);
    }

    [Fact]
    public void What_is_no_model_is_refused_in_one_line()
    {
        string nothing = Path.Combine(_folder, "nothing"), text = Path.Combine(_folder, "notes.txt"),
            other = Path.Combine(_folder, "other");
        File.WriteAllText(text, "not a model at all, but long enough to have a header");
        Directory.CreateDirectory(other);
        File.WriteAllText(Path.Combine(other, "config.json"), """{ "model_type": "bert", "vocab_size": 3 }""");
        foreach (string path in (string[])[nothing, text, other, _folder])
            Should.Throw<AtelierException>(() => TextModelFile.Open(path)).Where.ShouldNotBeNull();
        Should.Throw<AtelierException>(() => TextModelFile.Open(other)).ToLine().ShouldContain("'bert'");
    }

    [Fact]
    public void A_model_of_llama2_c_without_a_tokenizer_says_so()
    {
        string alone = Path.Combine(_folder, "model.bin");
        File.Copy(Stories(), alone);
        Should.Throw<AtelierException>(() => TextModelFile.Open(alone)).ToLine()
            .ShouldContain("does not contain a tokenizer");
        using TextGenerator named = TextModelFile.Open(alone, DataFolder.File("weights", "stories260K", "tok512.bin"));
        named.Tokenizer.VocabularySize.ShouldBe(512);
    }

    [Fact]
    public void A_real_model_in_8_bits_keeps_its_logits_and_its_loss_within_the_stated_bound()
    {
        string path = Path.Combine(_folder, "q8.gguf");
        Llama2CFile file = Llama2CFile.Open(Stories());
        SentencePieceTokenizer tokenizer =
            SentencePieceTokenizer.FromLlama2C(DataFolder.File("weights", "stories260K", "tok512.bin"));
        var config = new ConfigFile("config.json", JsonDocument.Parse(file.ToHuggingFace().ToJsonString()).RootElement);
        using (ModelWeights weights = ModelWeights.FromLlama2C(file))
            ModelWriter.WriteGguf(path, weights, config, tokenizer, TextBounds.Of(tokenizer, tokenizer.BeginId!.Value),
                WeightType.Q8_0);
        int[] ids = [tokenizer.BeginId!.Value, .. tokenizer.Encode(Expected())];
        (float[] exact, double exactLoss) = Judge(Stories(), ids);
        (float[] small, double smallLoss) = Judge(path, ids);
        double mean = exact.Average(), spread = Math.Sqrt(exact.Average(x => (x - mean) * (x - mean)));
        double moved = Math.Sqrt(exact.Zip(small, (e, s) => (double)(e - s) * (e - s)).Average()) / spread;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"logits moved by {moved:P2} of their spread, loss by {smallLoss - exactLoss:0.0000} nats a token");
        moved.ShouldBeInRange(1e-6, 0.03);
        Math.Abs(smallLoss - exactLoss).ShouldBeLessThan(0.02);
    }

    private static (float[] Logits, double Loss) Judge(string path, int[] ids)
    {
        using TextGenerator generator = TextModelFile.Open(path);
        var model = (IBatchedLanguageModel)generator.Model;
        float[] logits = new float[ids.Length * model.VocabularySize];
        using IDecodingSequence sequence = model.CreateSequence();
        model.Append([new SequenceInput(sequence, ids, AllLogits: true)], logits);
        return (logits, -model.Score([ids]).Single().Average(s => s.LogProbability));
    }

    private static string Stories() => DataFolder.File("weights", "stories260K", "stories260K.bin");

    private static string Expected() =>
        File.ReadAllText(DataFolder.File("weights", "stories260K", "expected-greedy-200.txt"));

    private static string Write(TextGenerator generator, DecodingOptions? options = null) =>
        generator.GenerateAsync(new() { Decoding = options ?? Greedy }).ToBlockingEnumerable().Single().Text;
}
