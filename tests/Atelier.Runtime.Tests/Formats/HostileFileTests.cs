using System.Buffers.Binary;
using System.Text;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Formats;

/// <summary>Ten thousand spoiled files of each format: no crash, no hang, little memory, one clear error each.</summary>
public sealed class HostileFileTests : IDisposable
{
    private const int Count = 10_000;
    private const string Text = "a cab, 12 é\n";

    private const string LlamaConfig = """
        {"model_type":"llama","vocab_size":8,"hidden_size":32,"intermediate_size":32,"num_hidden_layers":1,"num_attention_heads":2,
        "num_key_value_heads":1,"max_position_embeddings":16,"rms_norm_eps":1e-5,"rope_theta":10000.0,"head_dim":16,
        "rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8},
        "tie_word_embeddings":true}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Spoiled_safetensors_files_are_refused_or_read()
    {
        string path = At("model.safetensors");
        SafetensorsWriter.Write(path,
            [new("model.embed_tokens.weight", SafetensorsType.F32, [8, 32]), new("model.layers.0.self_attn.q_proj.weight", SafetensorsType.BF16, [32, 32]),
                new("model.layers.0.self_attn.k_proj.bias", SafetensorsType.F16, [16]), new("model.norm.weight", SafetensorsType.F32, [32])],
            (entry, stream) => stream.Write(new byte[entry.ByteCount]), new Dictionary<string, string> { ["format"] = "pt" });
        ConfigFile config = Config();
        Mutations.Try(Count, File.ReadAllBytes(path), path, isJson: false, () => ReadAll(ModelWeights.Open(_folder, config))).ShouldBeInRange(Count / 2, Count - 1);
    }

    [Fact]
    public void Spoiled_indices_of_shards_are_refused_or_read()
    {
        string index = At("model.safetensors.index.json"), shard = At("model-00001-of-00001.safetensors");
        SafetensorsWriter.Write(shard, [new("model.norm.weight", SafetensorsType.F32, [32])], (entry, stream) => stream.Write(new byte[entry.ByteCount]));
        const string good = """{"metadata":{"total_size":128},"weight_map":{"model.norm.weight":"model-00001-of-00001.safetensors"}}""";
        ConfigFile config = Config();
        Mutations.Try(Count, Encoding.UTF8.GetBytes(good), index, isJson: true, () => ReadAll(ModelWeights.Open(_folder, config))).ShouldBeInRange(Count / 4, Count - 1);
    }

    [Fact]
    public void Spoiled_gguf_files_are_refused_or_read()
    {
        string path = At("model.gguf");
        WriteGguf(path);
        Mutations.Try(Count, File.ReadAllBytes(path), path, isJson: false, () =>
        {
            GgufFile file = GgufFile.Open(path);
            using ModelWeights weights = ModelWeights.FromGguf(file);
            _ = GgufConfig.ToHuggingFace(file);
            Encode(GgufTokenizer.Read(file).Tokenizer);
            ReadAll(weights);
        }).ShouldBeInRange(Count / 4, Count - 1);
    }

    [Fact]
    public void Spoiled_models_of_llama2c_are_refused_or_read()
    {
        byte[] good = new byte[(7 + (6 * 8) + (2 * 8) + (2 * 8 * 8) + (2 * 8 * 4) + (3 * 8 * 4) + 8 + (4 * 4)) * sizeof(float)];
        int[] sizes = [8, 4, 1, 2, 1, 6, 4];
        for (int i = 0; i < sizes.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(good.AsSpan(i * sizeof(int)), sizes[i]);
        string path = At("model.bin");
        Mutations.Try(Count, good, path, isJson: false, () => ReadAll(ModelWeights.FromLlama2C(Llama2CFile.Open(path)))).ShouldBeInRange(Count / 2, Count - 1);
    }

    [Theory]
    [InlineData("bpe")]
    [InlineData("character")]
    [InlineData("sentencepiece")]
    public void Spoiled_tokenizers_are_refused_or_read(string kind)
    {
        string path = At("tokenizer.json");
        Tokenizer good = kind switch
        {
            "bpe" => BpeTokenizer.Train([Text, Text], 262),
            "character" => CharacterTokenizer.Train([Text], byteFallback: false),
            _ => Pieces(),
        };
        good.Save(path);
        // Without its white space the file is small, and nearly every change meets something.
        byte[] compact = Encoding.UTF8.GetBytes(System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.ToString().ReplaceLineEndings("").Replace("  ", "", StringComparison.Ordinal));
        Mutations.Try(Count, compact, path, isJson: true, () => Encode(TokenizerFile.Load(path))).ShouldBeInRange(Count / 4, Count - 1);
    }

    [Fact]
    public void Spoiled_tokenizers_of_llama2c_are_refused_or_read()
    {
        string path = At("tok.bin");
        File.WriteAllBytes(path, Llama2CTokens());
        Mutations.Try(Count, File.ReadAllBytes(path), path, isJson: false, () => Encode(SentencePieceTokenizer.FromLlama2C(path))).ShouldBeInRange(Count / 4, Count - 1);
    }

    private static void Encode(Tokenizer tokenizer)
    {
        try
        {
            tokenizer.Encode(Text);
        }
        catch (AtelierException e) when (e.Message.StartsWith("the vocabulary has no character", StringComparison.Ordinal))
        {
            // A smaller vocabulary is a vocabulary.
        }
    }

    private static byte[] Llama2CTokens()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(6);
        foreach (string name in Vocabulary())
        {
            writer.Write(name.Length > 1 ? -(float)name.Length : 0);
            byte[] bytes = Encoding.UTF8.GetBytes(name.Replace('▁', ' '));
            writer.Write(bytes.Length);
            writer.Write(bytes);
        }
        return stream.ToArray();
    }

    private static string[] Vocabulary() =>
        ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(v => $"<0x{v:X2}>"), "▁", "a", "b", "c", "ab", "▁c", "▁cab"];

    private static SentencePieceTokenizer Pieces()
    {
        string[] names = Vocabulary();
        return new SentencePieceTokenizer(names, SentencePieceTokenizer.MergesByScore(names, [.. names.Select(n => -(float)n.Length)], ["<unk>", "<s>", "</s>"]));
    }

    private static void WriteGguf(string path)
    {
        var metadata = new GgufMetadata("llama");
        string config = Path.Combine(Path.GetDirectoryName(path)!, "config.json");
        File.WriteAllText(config, LlamaConfig);
        GgufConfig.Write(metadata, ConfigFile.Read(config));
        GgufTokenizer.Write(metadata, CharacterTokenizer.Train([Text], byteFallback: false), 0);
        GgufWriter.Write(path, metadata,
            [new("token_embd.weight", WeightType.Q8_0, [10, 32]), new("blk.0.attn_q.weight", WeightType.Q4_0, [32, 32]), new("output_norm.weight", WeightType.F32, [32])],
            (tensor, stream) => stream.Write(new byte[tensor.ByteCount]));
    }

    private static void ReadAll(ModelWeights weights)
    {
        using (weights)
        {
            foreach (ModelTensor tensor in weights.Tensors)
                tensor.Read(TensorLayout.HuggingFace);
        }
    }

    private ConfigFile Config()
    {
        File.WriteAllText(At("config.json"), LlamaConfig);
        return ConfigFile.Read(At("config.json"));
    }

    private string At(string name) => Path.Combine(_folder, name);
}
