using System.Buffers.Binary;
using System.Text;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Formats;

/// <summary>
/// Ten thousand spoiled files of each format: no crash, no hang, little memory, one clear error each.
/// </summary>
public sealed class HostileFileTests : IDisposable
{
    private const int Count = 10_000;
    private const string Text = "a cab, 12 é\n";

    private static readonly TinyModelFiles.Llama Shape = new(2, 1, 16, 32, 1, Vocabulary: 12, Scaling:
        """{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"""
            + """ "original_max_position_embeddings":64}""");

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Spoiled_safetensors_files_are_refused_or_read()
    {
        string path = At("model.safetensors");
        TinyModelFiles.WriteLlama(_folder, Shape);
        Mutations.Try(Count, File.ReadAllBytes(path), path, isJson: false, OpenBundle)
            .ShouldBeInRange(Count / 2, Count - 1);
    }

    [Fact]
    public void Spoiled_shapes_in_config_json_are_refused_or_read()
    {
        string path = At("config.json");
        TinyModelFiles.WriteLlama(_folder, Shape);
        Mutations.Try(Count, File.ReadAllBytes(path), path, isJson: true, OpenBundle)
            .ShouldBeInRange(Count / 2, Count - 1);
    }

    [Fact]
    public void Spoiled_indices_of_shards_are_refused_or_read()
    {
        TinyModelFiles.WriteLlama(_folder, Shape);
        File.Move(At("model.safetensors"), At("model-00001-of-00001.safetensors"));
        const string good =
            """{"metadata":{"total_size":128},"weight_map":{"model.norm.weight":"model-00001-of-00001.safetensors"}}""";
        Mutations.Try(Count, Encoding.UTF8.GetBytes(good), At("model.safetensors.index.json"), isJson: true, OpenBundle)
            .ShouldBeInRange(Count / 4, Count - 1);
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
            Encode(GgufTokenizer.Read(file).Tokenizer);
            using var config = System.Text.Json.JsonDocument.Parse(GgufConfig.ToHuggingFace(file).ToJsonString());
            DecoderWeightsFile.Take(new ConfigFile(path, config.RootElement), weights);
            ReadAll(weights);
        }).ShouldBeInRange(Count / 4, Count - 1);
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("old")]
    public void Spoiled_weights_of_pytorch_are_refused_or_read(string format)
    {
        string path = At("weights.pth");
        Mutations.Try(Count, format == "zip" ? PyTorchSamples.Zip : PyTorchSamples.Old, path, isJson: false, () =>
        {
            PyTorchFile file = PyTorchFile.Open(path);
            foreach (SafetensorsEntry entry in file.Entries)
                file.Read(entry.Name);
        }).ShouldBeInRange(Count / 4, Count - 1);
    }

    [Fact]
    public void Spoiled_models_of_llama2c_are_refused_or_read()
    {
        byte[] good =
            new byte[(7 + (6 * 8) + (2 * 8) + (2 * 8 * 8) + (2 * 8 * 4) + (3 * 8 * 4) + 8 + (4 * 4)) * sizeof(float)];
        int[] sizes = [8, 4, 1, 2, 1, 6, 4];
        for (int i = 0; i < sizes.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(good.AsSpan(i * sizeof(int)), sizes[i]);
        string path = At("model.bin");
        Mutations.Try(Count, good, path, isJson: false, () => ReadAll(ModelWeights.FromLlama2C(Llama2CFile.Open(path))))
            .ShouldBeInRange(Count / 2, Count - 1);
    }

    [Theory]
    [InlineData("bpe", 4000)]
    [InlineData("character", 3000)]
    [InlineData("sentencepiece", 3000)]
    public void Spoiled_tokenizers_are_refused_or_read(string kind, int count)
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
        byte[] compact =
            Encoding.UTF8.GetBytes(System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.ToString()
            .ReplaceLineEndings("").Replace("  ", "", StringComparison.Ordinal));
        Mutations.Try(count, compact, path, isJson: true, () => Encode(TokenizerFile.Load(path)))
            .ShouldBeInRange(count / 4, count - 1);
    }

    [Fact]
    public void Spoiled_tokenizers_of_llama2c_are_refused_or_read()
    {
        string path = At("tok.bin");
        File.WriteAllBytes(path, Llama2CTokens());
        Mutations.Try(Count, File.ReadAllBytes(path), path, isJson: false,
            () => Encode(SentencePieceTokenizer.FromLlama2C(path))).ShouldBeInRange(Count / 4, Count - 1);
    }

    private static void Encode(Tokenizer tokenizer)
    {
        try
        {
            tokenizer.Encode(Text);
        }
        catch (AtelierException e)
            when (e.Message.StartsWith("the vocabulary does not contain", StringComparison.Ordinal))
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
        ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(v => $"<0x{v:X2}>"), "▁", "a", "b", "c", "ab", "▁c",
            "▁cab"];

    private static SentencePieceTokenizer Pieces()
    {
        string[] names = Vocabulary();
        return new SentencePieceTokenizer(names,
            SentencePieceTokenizer.MergesByScore(names, [.. names.Select(n => -(float)n.Length)],
            ["<unk>", "<s>", "</s>"]));
    }

    private void WriteGguf(string path)
    {
        Tokenizer tokenizer = CharacterTokenizer.Train([Text], byteFallback: false);
        ConfigFile config = TinyModelFiles.WriteLlama(_folder, Shape with { Vocabulary = tokenizer.VocabularySize });
        using (ModelWeights weights = ModelWeights.Open(_folder, config))
            ModelWriter.WriteGguf(path, weights, config, tokenizer, TextBounds.Of(tokenizer, 0), WeightType.Q4_0);
    }

    private void OpenBundle()
    {
        (_, DecoderWeights taken) = DecoderWeightsFile.Open(_folder);
        ReadAll((ModelWeights)taken.Owners[0]);
    }

    private static void ReadAll(ModelWeights weights)
    {
        using (weights)
        {
            foreach (ModelTensor tensor in weights.Tensors)
                tensor.Read(TensorLayout.HuggingFace);
        }
    }

    private string At(string name) => Path.Combine(_folder, name);
}
