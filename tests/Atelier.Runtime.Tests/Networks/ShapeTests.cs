using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>The shapes that vary Llama's, from a folder of Hugging Face's.</summary>
public sealed class ShapeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;
    private const int Vocabulary = 257; // a byte tokenizer's

    // llama.cpp itself computes these otherwise, or has no place for what is named.
    private static readonly Dictionary<string, string> OnlyHuggingFace = new()
    {
        ["mistral, window"] = "sliding window", ["qwen2, window in the later layers"] = "sliding window",
        ["starcoder2, window"] = "sliding window", ["qwen3_moe, not normalised"] = "norm_topk_prob",
        ["gemma2, another scale"] = "query_pre_attn_scalar", ["smollm3, other layers"] = "no_rope_layers",
        ["qwen3, biases"] = "biases", ["qwen3_moe, biases"] = "biases", ["gemma, biases"] = "biases",
        ["gemma2, biases"] = "biases", ["olmo2, biases"] = "biases", ["phi3, biases"] = "biases",
        ["smollm3, biases"] = "biases", ["starcoder2, no biases"] = "biases", ["gpt_neox, no biases"] = "biases",
        ["qwen2, wide heads"] = "head_dim",
    };

    // In standard deviations of the logits. llama.cpp looks GELU up in a table of half precision, and rounds what goes
    // into a product to the type of its weights, in blocks of 256 where the weights have such. In a mixture, that sends
    // a few tokens to other experts, which those after them see.
    private const double ExactTolerance = 5e-5, GeluTolerance = 5e-3, BlockTolerance = 0.2,
        TypicalTolerance = 0.06, MixtureTolerance = 0.1;

    private static readonly int[] Tokens = [.. Enumerable.Range(0, 30).Select(i => ((i * 37) + 5) % Vocabulary)];

    public static TheoryData<string> Shapes => [.. TinyShapes.Configs.Keys];

    public static TheoryData<string> LlamaCppShapes => [.. TinyShapes.Configs.Keys.Except(OnlyHuggingFace.Keys)];

    public static MatrixTheoryData<string, WeightType> ShapesAndTypes =>
        new(TinyShapes.Configs.Keys.Except(OnlyHuggingFace.Keys), [WeightType.F32, WeightType.Q8_0]);

    public static MatrixTheoryData<string, WeightType> WideShapesAndTypes =>
        new(["llama", "qwen2", "gemma2", "mixtral"],
            [.. Enum.GetValues<WeightType>().Except([WeightType.F32, WeightType.Q3, WeightType.Q2])]);

    public static TheoryData<string> OtherShapes => [.. OnlyHuggingFace.Keys];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_shape_gives_the_logits_of_the_plain_decoder_alone_at_once_and_together(string shape)
    {
        TinyShapes.Write(_folder, TinyShapes.Config(shape, Vocabulary));
        (DecoderConfig config, DecoderWeights weights) = DecoderWeightsFile.Open(_folder);
        using var decoder = new Decoder(config, weights, 2);
        using var plain = new PlainDecoder(config, weights with { Owners = [] });
        float[] expected = Logits(plain, Tokens);
        float[] once = Logits(decoder, Tokens);
        Near(once, expected);
        // A token at a time, beside another text.
        using IDecodingSequence first = decoder.CreateSequence(), second = decoder.CreateSequence();
        int[] other = [.. Tokens.Reverse()];
        float[] step = new float[2 * Vocabulary], together = new float[Tokens.Length * Vocabulary];
        for (int i = 0; i < Tokens.Length; i++)
        {
            decoder.Append([new SequenceInput(first, Tokens.AsMemory(i, 1)),
                new SequenceInput(second, other.AsMemory(i, 1))], step);
            step.AsSpan(0, Vocabulary).CopyTo(together.AsSpan(i * Vocabulary));
        }
        Near(together, expected);
        Near(step[Vocabulary..], Logits(plain, other)[^Vocabulary..]);
    }

    [Theory]
    [MemberData(nameof(LlamaCppShapes))]
    public void A_shape_goes_to_gguf_and_back_with_its_configuration_and_every_weight(string shape)
    {
        string gguf = WriteGguf(TinyShapes.Config(shape, Vocabulary));
        (DecoderConfig config, DecoderWeights weights) = DecoderWeightsFile.Open(_folder);
        float[] expected;
        using (var decoder = new Decoder(config, weights, 2))
            expected = Logits(decoder, Tokens);
        using (TextGenerator opened = TextModelFile.Open(gguf, threads: 2))
            Near(Logits((IBatchedLanguageModel)opened.Model, Tokens), expected);

        using ModelWeights back = ModelWeights.FromGguf(GgufFile.Open(gguf)),
            source = ModelWeights.Open(_folder, ConfigFile.Read(Path.Combine(_folder, "config.json")));
        using JsonDocument written = JsonDocument.Parse(
            GgufConfig.ToHuggingFace(GgufFile.Open(gguf)).ToJsonString());
        DecoderConfig read = DecoderConfigFile.Read(new ConfigFile(gguf, written.RootElement));
        JsonSerializer.Serialize(Rounded(read)).ShouldBe(JsonSerializer.Serialize(Rounded(config with
        {
            RotaryPairs = RotaryPairs.Halves,
        })));
        string folder = Path.Combine(_folder, "back");
        Directory.CreateDirectory(folder);
        ModelWriter.WriteSafetensors(Path.Combine(folder, "model.safetensors"), back);
        using SafetensorsFile before = SafetensorsFile.Open(Path.Combine(_folder, "model.safetensors")),
            after = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        after.Entries.Select(entry => entry.Name).ShouldBe(before.Entries.Select(entry => entry.Name),
            ignoreOrder: true);
        foreach (SafetensorsEntry entry in before.Entries)
        {
            SafetensorsEntry same = after.Entries.Single(one => one.Name == entry.Name);
            same.Shape.ShouldBe(entry.Shape, entry.Name);
            float[] own = Values(before, entry), theirs = Values(after, same);
            for (int i = 0; i < own.Length; i++) // 1 added and taken away rounds twice
                Math.Abs(own[i] - theirs[i]).ShouldBeLessThanOrEqualTo(
                    shape.StartsWith("gemma", StringComparison.Ordinal) && entry.Shape.Count == 1 ? 2e-7f : 0,
                    entry.Name);
        }
    }

    [Fact]
    public void A_vocabulary_padded_beyond_the_tokenizer_loses_the_tokens_that_do_not_exist()
    {
        const int padded = 320; // a byte tokenizer has 257
        TinyShapes.Write(_folder, TinyShapes.Config("llama", padded));
        new ByteTokenizer().Save(Path.Combine(_folder, "tokenizer.json"));
        (DecoderConfig config, DecoderWeights weights) = DecoderWeightsFile.Open(_folder);
        using var decoder = new Decoder(config, weights, 2);
        float[] all = new float[padded], own = new float[Vocabulary];
        using (IDecodingState state = decoder.CreateState(1))
            state.Append(Tokens.AsSpan(0, 1), all);
        string gguf = Path.Combine(_folder, "out.gguf");
        ConfigFile file = ConfigFile.Read(Path.Combine(_folder, "config.json"));
        using (ModelWeights source = ModelWeights.Open(_folder, file))
            ModelWriter.WriteGguf(gguf, source, file, new ByteTokenizer(), TextBounds.Of(new ByteTokenizer(), 256));
        foreach (string path in (string[])[_folder, gguf])
        {
            using TextGenerator opened = TextModelFile.Open(path, threads: 2);
            opened.Model.VocabularySize.ShouldBe(Vocabulary);
            using IDecodingState state = opened.Model.CreateState(1);
            state.Append(Tokens.AsSpan(0, 1), own);
            Near(own, all[..Vocabulary]);
        }
    }

    [Theory]
    [InlineData(1281)] // as of another tokenizer
    [InlineData(265)] // not padded to a multiple
    [InlineData(256)]
    public void Another_number_of_tokens_is_refused(int tokens)
    {
        TinyShapes.Write(_folder, TinyShapes.Config("llama", tokens));
        new ByteTokenizer().Save(Path.Combine(_folder, "tokenizer.json"));
        Should.Throw<AtelierException>(() => TextModelFile.Open(_folder)).Message
            .ShouldContain($"the model has {tokens} tokens, but the tokenizer has {Vocabulary}");
    }

    [Theory]
    [MemberData(nameof(OtherShapes))]
    public void What_llama_cpp_would_compute_otherwise_does_not_go_to_gguf(string shape) =>
        Should.Throw<AtelierException>(() => WriteGguf(TinyShapes.Config(shape, Vocabulary))).Message
            .ShouldContain(OnlyHuggingFace[shape]);

    [Theory]
    [MemberData(nameof(ShapesAndTypes))]
    public void A_shape_has_the_logits_of_llama_cpp(string shape, WeightType type)
    {
        (double worst, _) =
            DifferenceToLlamaCpp(shape, type, TinyShapes.Config(shape, Vocabulary), out DecoderConfig config);
        worst.ShouldBeLessThan(type != WeightType.F32 ? BlockTolerance
            : config.Activation == ActivationName.SwiGlu ? ExactTolerance : GeluTolerance);
    }

    [Theory]
    [MemberData(nameof(WideShapesAndTypes))]
    public void A_shape_in_blocks_of_256_has_the_logits_of_llama_cpp(string shape, WeightType type)
    {
        JsonObject wide = TinyShapes.Config(shape, Vocabulary);
        (wide["hidden_size"], wide["intermediate_size"]) = (256, 512);
        foreach (string size in (string[])["head_dim", "query_pre_attn_scalar"])
        {
            if (wide.ContainsKey(size))
                wide[size] = 64;
        }
        DifferenceToLlamaCpp(shape, type, wide, out DecoderConfig config).Typical
            .ShouldBeLessThan(config.Experts is null ? TypicalTolerance : MixtureTolerance);
    }

    /// <summary>
    /// Returns the largest difference of a logit, and the root mean square of the differences after the median token.
    /// </summary>
    private (double Worst, double Typical) DifferenceToLlamaCpp(string shape, WeightType type, JsonObject values,
        out DecoderConfig config)
    {
        string? peer = Environment.GetEnvironmentVariable("ATELIER_LLAMASHARP");
        Assert.SkipWhen(string.IsNullOrEmpty(peer), "ATELIER_LLAMASHARP does not name LlamaCppPeer.dll");
        string gguf = WriteGguf(values, type), file = Path.Combine(_folder, "logits");
        var start = new ProcessStartInfo("dotnet", [peer!, "exact-logits", gguf, file, .. Tokens.Select(t => $"{t}")])
        {
            RedirectStandardError = true, UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, errors);
        float[] theirs = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(file)).ToArray();
        // The folder itself where nothing was rounded, so that the way to GGUF is checked too.
        using TextGenerator? opened = type == WeightType.F32 ? null : TextModelFile.Open(gguf, threads: 2);
        (config, DecoderWeights weights) = DecoderWeightsFile.Open(_folder);
        using var decoder = new Decoder(config, weights, 2);
        float[] ours = Logits(opened?.Model as IBatchedLanguageModel ?? decoder, Tokens);
        double spread = Math.Sqrt(theirs.Average(v => (double)v * v)),
            worst = ours.Zip(theirs).Max(pair => Math.Abs(pair.First - pair.Second)) / spread,
            typical = ours.Zip(theirs).Chunk(Vocabulary)
                .Select(token => Math.Sqrt(token.Average(pair => Math.Pow(pair.First - pair.Second, 2))) / spread)
                .Order().ElementAt(Tokens.Length / 2);
        TestContext.Current.TestOutputHelper?.WriteLine($"{shape}, {type}: logits of {spread:0.00} differ by at most "
            + $"{worst:0.000000} of it, by {typical:0.000000} after the median token");
        return (worst, typical);
    }

    private string WriteGguf(JsonObject values, WeightType type = WeightType.F32)
    {
        TinyShapes.Write(_folder, values);
        var config = ConfigFile.Read(Path.Combine(_folder, "config.json"));
        var tokenizer = new ByteTokenizer();
        string gguf = Path.Combine(_folder, "model-out.gguf");
        using ModelWeights weights = ModelWeights.Open(_folder, config);
        ModelWriter.WriteGguf(gguf, weights, config, tokenizer, TextBounds.Of(tokenizer, 256), type);
        return gguf;
    }

    /// <summary>GGUF stores numbers in single precision.</summary>
    private static DecoderConfig Rounded(DecoderConfig config) => config with
    {
        NormEpsilon = (float)config.NormEpsilon,
        RopeTheta = (float)config.RopeTheta,
        RopeAmplitude = (float)config.RopeAmplitude,
        AttentionScale = (float)(config.AttentionScale ?? 1 / Math.Sqrt(config.HeadSize)),
        EmbeddingScale = (float)config.EmbeddingScale,
        ResidualScale = (float)config.ResidualScale,
        LogitScale = (float)config.LogitScale,
    };

    private static float[] Values(SafetensorsFile file, SafetensorsEntry entry)
    {
        float[] values = new float[entry.Shape.Aggregate(1L, (product, size) => product * size)];
        unsafe
        {
            new ReadOnlySpan<float>(file.Pointer(entry.Name), values.Length).CopyTo(values);
        }
        return values;
    }

    private static float[] Logits(IBatchedLanguageModel model, int[] tokens)
    {
        float[] logits = new float[tokens.Length * Vocabulary];
        using IDecodingSequence sequence = model.CreateSequence();
        model.Append([new SequenceInput(sequence, tokens, AllLogits: true)], logits);
        return logits;
    }

    private static void Near(float[] actual, float[] expected)
    {
        double spread = Math.Sqrt(expected.Average(v => (double)v * v));
        spread.ShouldBeGreaterThan(0.01);
        for (int i = 0; i < expected.Length; i++)
            Math.Abs(actual[i] - expected[i]).ShouldBeLessThan(2e-4f * (float)spread,
                $"token {i / Vocabulary}, logit {i % Vocabulary}");
    }
}
