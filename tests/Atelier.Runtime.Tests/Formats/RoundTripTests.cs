using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Tokenizers;
using CsCheck;

namespace Atelier.Runtime.Tests.Formats;

/// <summary>What goes into a file of another system comes back: properties over drawn tensors, shapes and texts.</summary>
public sealed class RoundTripTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    private static readonly Gen<(int Heads, int KeyHeads, int HeadSize, int Inner, int Layers, int Seed)> Shapes =
        from groups in Gen.Int[1, 2]
        from keyHeads in Gen.Int[1, 2]
        from size in Gen.OneOf(16, 32)
        from inner in Gen.OneOf(32, 40, 64)
        from layers in Gen.Int[1, 2]
        from seed in Gen.Int[0, 1000]
        select (groups * keyHeads, keyHeads, size, inner, layers, seed);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void Llamas_weights_go_through_gguf_and_come_back(WeightType type) => Shapes.Sample(shape =>
    {
        (string safetensors, ConfigFile config) = WriteLlama(shape.Heads, shape.KeyHeads, shape.HeadSize, shape.Inner, shape.Layers, shape.Seed);
        string first = Path.Combine(_folder, "first.gguf"), second = Path.Combine(_folder, "second.gguf"), back = Path.Combine(_folder, "back.safetensors");
        using (ModelWeights weights = ModelWeights.Open(_folder, config))
            ModelWriter.WriteGguf(first, weights, config, new ByteTokenizer(), 256, type);
        using (ModelWeights weights = ModelWeights.FromGguf(GgufFile.Open(first)))
        {
            ModelWriter.WriteGguf(second, weights, config, new ByteTokenizer(), 256);
            ModelWriter.WriteSafetensors(back, weights, WeightType.F32);
        }
        // Written again as it is, each block is what it was; as single precision nothing is lost of F32.
        File.ReadAllBytes(second).ShouldBe(File.ReadAllBytes(first));
        if (type == WeightType.F32)
            File.ReadAllBytes(back).ShouldBe(File.ReadAllBytes(safetensors));
    }, iter: 12, threads: 1);

    [Fact]
    public void Config_json_goes_through_gguf_and_comes_back() => Gen.OneOf(
        "null",
        """{"rope_type":"linear","factor":4.0}""",
        """{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64}""",
        """{"rope_type":"yarn","factor":16.0,"original_max_position_embeddings":64}""").Sample(scaling =>
    {
        (_, ConfigFile config) = WriteLlama(2, 1, 16, 32, 1, 1, scaling);
        string path = Path.Combine(_folder, "a.gguf");
        using (ModelWeights weights = ModelWeights.Open(_folder, config))
            ModelWriter.WriteGguf(path, weights, config, new ByteTokenizer(), 256);
        using GgufFile file = GgufFile.Open(path);
        string written = Path.Combine(_folder, "back.json");
        File.WriteAllText(written, GgufConfig.ToHuggingFace(file).ToJsonString());
        Decoders.DecoderConfigFile.Read(ConfigFile.Read(written)).ShouldBe(Decoders.DecoderConfigFile.Read(config));
        (file.Find("rope_freqs.weight") is not null).ShouldBe(scaling.Contains("llama3", StringComparison.Ordinal));
    }, iter: 8, threads: 1);

    [Theory]
    [InlineData("character")]
    [InlineData("character without bytes")]
    [InlineData("byte")]
    [InlineData("bpe")]
    [InlineData("sentencepiece")]
    public void Tokenizers_go_through_gguf_and_encode_the_same(string kind)
    {
        Tokenizer tokenizer = Make(kind);
        string path = Path.Combine(_folder, "t.gguf");
        var metadata = new GgufMetadata("llama");
        GgufTokenizer.Write(metadata, tokenizer, 0);
        GgufWriter.Write(path, metadata, [], (_, _) => { });
        using GgufFile file = GgufFile.Open(path);
        (Tokenizer back, int start) = GgufTokenizer.Read(file);
        (back.GetType(), back.VocabularySize, back.EndOfTextId, start).ShouldBe((tokenizer.GetType(), tokenizer.VocabularySize, tokenizer.EndOfTextId, 0));
        // What JSON and GGUF say is one tokenizer.
        string first = Path.Combine(_folder, "first.json"), second = Path.Combine(_folder, "second.json");
        tokenizer.Save(first);
        back.Save(second);
        File.ReadAllText(second).ShouldBe(File.ReadAllText(first));
        Gen<string> texts = kind == "character without bytes" ? Gen.OneOf([.. Corpus.EnumerateRunes().Select(r => r.ToString())]).Array[0, 40].Select(string.Concat) : Gen.String;
        texts.Sample(text => back.Encode(text).ShouldBe(tokenizer.Encode(text)), iter: 200, threads: 1);
    }

    private const string Corpus = "it's 1999, the naïve café and 蜂蜜 😀 the the\n\tthen they ";

    private static Tokenizer Make(string kind) => kind switch
    {
        "character" => CharacterTokenizer.Train([Corpus], byteFallback: true),
        "character without bytes" => CharacterTokenizer.Train([Corpus], byteFallback: false),
        "byte" => new ByteTokenizer(),
        "bpe" => BpeTokenizer.Train([Corpus, Corpus], 300),
        _ => Pieces(),
    };

    private static SentencePieceTokenizer Pieces()
    {
        string[] names = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(v => $"<0x{v:X2}>"), "▁", "t", "h", "e", "n", "th", "the", "▁the", "en"];
        return new SentencePieceTokenizer(names, SentencePieceTokenizer.MergesByScore(names, [.. names.Select((_, id) => -(float)id)], ["<unk>", "<s>", "</s>"]));
    }

    private (string Path, ConfigFile Config) WriteLlama(int heads, int keyHeads, int headSize, int inner, int layers, int seed, string scaling = "null")
    {
        int hidden = heads * headSize, keys = keyHeads * headSize;
        List<SafetensorsEntry> entries = [Entry("model.embed_tokens.weight", 257, hidden), Entry("model.norm.weight", hidden), Entry("lm_head.weight", 257, hidden)];
        for (int layer = 0; layer < layers; layer++)
        {
            string block = $"model.layers.{layer}.";
            entries.AddRange(
            [
                Entry(block + "input_layernorm.weight", hidden), Entry(block + "post_attention_layernorm.weight", hidden),
                Entry(block + "self_attn.q_proj.weight", hidden, hidden), Entry(block + "self_attn.k_proj.weight", keys, hidden),
                Entry(block + "self_attn.v_proj.weight", keys, hidden), Entry(block + "self_attn.o_proj.weight", hidden, hidden),
                Entry(block + "mlp.gate_proj.weight", inner, hidden), Entry(block + "mlp.up_proj.weight", inner, hidden), Entry(block + "mlp.down_proj.weight", hidden, inner),
            ]);
        }
        var random = new Random(seed);
        string path = Path.Combine(_folder, "model.safetensors"), config = Path.Combine(_folder, "config.json");
        SafetensorsWriter.Write(path, [.. entries.OrderBy(e => e.Name, StringComparer.Ordinal)], (entry, stream) =>
        {
            float[] values = [.. Enumerable.Range(0, (int)(entry.ByteCount / 4)).Select(_ => (float)((random.NextDouble() - 0.5) * 4))];
            stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
        }, new Dictionary<string, string> { ["format"] = "pt" });
        File.WriteAllText(config, $$"""
            {"model_type":"llama","vocab_size":257,"hidden_size":{{hidden}},"intermediate_size":{{inner}},"num_hidden_layers":{{layers}},
            "num_attention_heads":{{heads}},"num_key_value_heads":{{keyHeads}},"max_position_embeddings":256,"rms_norm_eps":1e-5,"rope_theta":10000.0,
            "rope_scaling":{{scaling}},"tie_word_embeddings":false}
            """);
        return (path, ConfigFile.Read(config));
    }

    private static SafetensorsEntry Entry(string name, params long[] shape) => new(name, SafetensorsType.F32, shape);
}
