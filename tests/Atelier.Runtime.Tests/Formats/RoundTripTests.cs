using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;
using CsCheck;

namespace Atelier.Runtime.Tests.Formats;

/// <summary>
/// What goes into a file of another system comes back: properties over drawn tensors, shapes and texts.
/// </summary>
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
        ConfigFile config = TinyModelFiles.WriteLlama(_folder,
            new(shape.Heads, shape.KeyHeads, shape.HeadSize, shape.Inner, shape.Layers), shape.Seed);
        string safetensors = Path.Combine(_folder, "model.safetensors"), first = Path.Combine(_folder, "first.gguf"),
            second = Path.Combine(_folder, "second.gguf"), back = Path.Combine(_folder, "back.safetensors");
        using (ModelWeights weights = ModelWeights.Open(_folder, config))
            ModelWriter.WriteGguf(first, weights, config, new ByteTokenizer(), new TextBounds(256, [256]), type);
        using (ModelWeights weights = ModelWeights.FromGguf(GgufFile.Open(first)))
        {
            ModelWriter.WriteGguf(second, weights, config, new ByteTokenizer(), new TextBounds(256, [256]));
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
        """{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"""
            + """ "original_max_position_embeddings":64}""",
        """{"rope_type":"yarn","factor":16.0,"original_max_position_embeddings":64}""").Sample(scaling =>
    {
        ConfigFile config = TinyModelFiles.WriteLlama(_folder, new(2, 1, 16, 32, 1, Scaling: scaling));
        string path = Path.Combine(_folder, "a.gguf");
        using (ModelWeights weights = ModelWeights.Open(_folder, config))
            ModelWriter.WriteGguf(path, weights, config, new ByteTokenizer(), new TextBounds(256, [256]));
        using GgufFile file = GgufFile.Open(path);
        string written = Path.Combine(_folder, "back.json");
        File.WriteAllText(written, GgufConfig.ToHuggingFace(file).ToJsonString());
        DecoderConfigFile.Read(ConfigFile.Read(written)).ShouldBe(DecoderConfigFile.Read(config));
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
        GgufTokenizer.Write(metadata, tokenizer, TextBounds.Of(tokenizer, 0));
        GgufWriter.Write(path, metadata, [], (_, _) => { });
        using GgufFile file = GgufFile.Open(path);
        (Tokenizer back, (int start, _, _)) = GgufTokenizer.Read(file);
        (back.GetType(), back.VocabularySize, back.EndOfTextId, start)
            .ShouldBe((tokenizer.GetType(), tokenizer.VocabularySize, tokenizer.EndOfTextId, 0));
        // What JSON and GGUF say is one tokenizer.
        string first = Path.Combine(_folder, "first.json"), second = Path.Combine(_folder, "second.json");
        tokenizer.Save(first);
        back.Save(second);
        File.ReadAllText(second).ShouldBe(File.ReadAllText(first));
        Gen<string> texts = kind == "character without bytes"
            ? Gen.OneOf([.. Corpus.EnumerateRunes().Select(r => r.ToString())]).Array[0, 40].Select(string.Concat)
            : Gen.String;
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
        string[] names = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(v => $"<0x{v:X2}>"), "▁", "t", "h",
            "e", "n", "th", "the", "▁the", "en"];
        return new SentencePieceTokenizer(names,
            SentencePieceTokenizer.MergesByScore(names, [.. names.Select((_, id) => -(float)id)],
            ["<unk>", "<s>", "</s>"]));
    }
}
