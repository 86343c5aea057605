using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Tests.Data;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Tests.Exchange;

public sealed class ImportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Stories => DataFolder.File("weights", "stories260K", "stories260K.bin");

    private static string StoryTokens => DataFolder.File("weights", "stories260K", "tok512.bin");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_greedy_story_of_llama2cs_model_of_260_thousand_weights_is_the_published_one_letter_by_letter()
    {
        string expected = File.ReadAllText(DataFolder.File("weights", "stories260K", "expected-greedy-200.txt"));
        new Workshop().Import(Stories, StoryTokens, _folder["stories"]);
        using var generator = TinyBundles.OpenForTraining(_folder["stories"]);
        generator.StartId.ShouldBe(1);
        using IDecodingState state = generator.Model.CreateState(1);
        float[] logits = new float[generator.Model.VocabularySize];
        int[] ids = new int[200];
        int next = generator.StartId;
        for (int i = 0; i < ids.Length; i++)
        {
            state.Append([next], logits);
            ids[i] = next = logits.AsSpan().IndexOf(logits.Max());
        }
        generator.Tokenizer.Decode(ids).ShouldBe(expected);

        // The same story read whole: each token is the likeliest after those before it.
        TokenScore[] scores = generator.Model.Score([new ReadOnlyMemory<int>([generator.StartId, .. ids])])[0];
        scores.ShouldAllBe(s => s.IsMostLikely);
    }

    [Fact]
    public void The_error_of_a_tokenizer_that_came_with_another_model_names_both_sizes()
    {
        byte[] bytes = File.ReadAllBytes(StoryTokens);
        string shorter = _folder.Write("shorter.bin", bytes[..^LastToken(bytes)]);
        Should.Throw<AtelierException>(() => new Workshop().Import(Stories, shorter, _folder["out"])).Message
            .ShouldBe("the tokenizer has 511 tokens, the model 512");
    }

    [Theory]
    [InlineData("llama", "bpe")]
    [InlineData("llama, biases and a tied head", "character")]
    [InlineData("llama, wide heads", "bpe")]
    [InlineData("llama, llama3", "bpe")]
    [InlineData("llama, yarn", "byte")]
    [InlineData("gpt2", "byte")]
    [InlineData("gpt2, no biases and a head of its own", "bpe")]
    public void What_went_out_as_gguf_comes_back_with_the_same_bytes_of_weights(string shape, string tokenizer)
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Shape(shape), TinyBundles.Tokenizer(tokenizer),
            scaling: TinyBundles.Scaling(shape));
        new Workshop().Export(_folder["bundle"], "gguf", _folder["a.gguf"]);
        using (GgufFile written = GgufFile.Open(_folder["a.gguf"]))
        {
            // older versions of llama.cpp know no tied head of GPT-2
            (written.Find("output.weight") is not null).ShouldBe(shape.StartsWith("gpt2", StringComparison.Ordinal)
                || TinyBundles.Shape(shape).Resolve().TieHead != true);
        }
        new Workshop().Import(_folder["a.gguf"], null, _folder["back"]);
        File.ReadAllBytes(_folder["back/model.safetensors"])
            .ShouldBe(File.ReadAllBytes(_folder["bundle/model.safetensors"]));
        File.ReadAllBytes(_folder["back/tokenizer.json"]).ShouldBe(File.ReadAllBytes(_folder["bundle/tokenizer.json"]));
        using var before = TinyBundles.OpenForTraining(_folder["bundle"]);
        using var after = TinyBundles.OpenForTraining(_folder["back"]);
        int[] ids = [before.StartId, .. before.Tokenizer.Encode(TinyBundles.Text)];
        after.StartId.ShouldBe(before.StartId);
        TinyBundles.Logits(after.Model, ids).ShouldBe(TinyBundles.Logits(before.Model, ids));
    }

    [Fact]
    public void A_folder_with_gpt2s_two_files_of_tokens_gets_a_tokenizer_json()
    {
        Tokenizer tokenizer = TinyBundles.Tokenizer("bpe");
        TinyBundles.Write(_folder["folder"], TinyBundles.Gpt2, tokenizer);
        var bpe = (BpeTokenizer)tokenizer;
        _folder.Write("folder/vocab.json", System.Text.Json.JsonSerializer.Serialize(
            Enumerable.Range(0, bpe.VocabularySize).ToDictionary(bpe.Name, id => id)));
        _folder.Write("folder/merges.txt",
            "#version: 0.2\n" + string.Join('\n', Merges(_folder["folder/tokenizer.json"])) + "\n");
        File.Delete(_folder["folder/tokenizer.json"]);
        new Workshop().Import(_folder["folder"], null, _folder["bundle"]);
        TokenizerFile.Load(_folder["bundle/tokenizer.json"]).Encode(TinyBundles.Text)
            .ShouldBe(tokenizer.Encode(TinyBundles.Text));
    }

    [Theory]
    [InlineData("llama", "bf16")]
    [InlineData("gpt2", "f16")]
    public void Shards_in_half_precision_are_the_model_in_one_file(string shape, string type)
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Shape(shape), TinyBundles.Tokenizer("bpe"));
        new Workshop().Export(_folder["bundle"], "huggingface", _folder["whole"], type);
        new Workshop().Export(_folder["whole"], "huggingface", _folder["parts"]);
        Split(_folder["parts"]);
        new Workshop().Import(_folder["parts"], null, _folder["back"]);
        using var whole = TinyBundles.OpenForTraining(_folder["whole"]);
        using var parts = TinyBundles.OpenForTraining(_folder["back"]);
        int[] ids = [whole.StartId, .. whole.Tokenizer.Encode(TinyBundles.Text)];
        TinyBundles.Logits(parts.Model, ids).ShouldBe(TinyBundles.Logits(whole.Model, ids));
        // One file again, by way of GGUF in the same type.
        new Workshop().Export(_folder["back"], "gguf", _folder["a.gguf"]);
        new Workshop().Import(_folder["a.gguf"], null, _folder["again"]);
        TinyBundles.Logits(TinyBundles.OpenForTraining(_folder["again"]).Model, ids)
            .ShouldBe(TinyBundles.Logits(whole.Model, ids));
    }

    /// <summary>Makes two shards and their index of a folder's model.safetensors.</summary>
    private static void Split(string folder)
    {
        string whole = Path.Combine(folder, "model.safetensors");
        var map = new System.Text.Json.Nodes.JsonObject();
        using (SafetensorsFile file = SafetensorsFile.Open(whole))
        {
            foreach (int part in (int[])[1, 2])
            {
                string name = $"model-0000{part}-of-00002.safetensors";
                SafetensorsEntry[] entries = [.. file.Entries.Where((_, i) => i % 2 == part - 1)];
                SafetensorsWriter.Write(Path.Combine(folder, name), entries, (entry, stream) =>
                {
                    byte[] bytes = new byte[entry.ByteCount];
                    file.CopyTo(entry.Name, 0, bytes);
                    stream.Write(bytes);
                });
                foreach (SafetensorsEntry entry in entries)
                    map[entry.Name] = name;
            }
        }
        File.Delete(whole);
        File.WriteAllText(whole + ".index.json",
            new System.Text.Json.Nodes.JsonObject { ["weight_map"] = map }.ToJsonString());
    }

    private static IEnumerable<string> Merges(string path)
    {
        using var document = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(path));
        return [.. document.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray()
            .Select(m => m.GetString()!)];
    }

    /// <summary>The bytes of the last token: a score, a length, and so many bytes.</summary>
    private static int LastToken(byte[] file)
    {
        int at = 4, size = 0;
        for (; at < file.Length; at += size)
            size = 8 + BitConverter.ToInt32(file, at + 4);
        return size;
    }
}
