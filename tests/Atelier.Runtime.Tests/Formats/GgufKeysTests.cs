using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Formats;

/// <summary>What a GGUF file may say: read as llama.cpp reads it, or refused by name.</summary>
public sealed class GgufKeysTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    private string File => Path.Combine(_folder, "model.gguf");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("llama.expert_shared_count", "2")]
    [InlineData("llama.expert_used_count", "2")]
    [InlineData("llama.attention.sliding_window", "4096")]
    [InlineData("llama.attn_logit_softcapping", "50.5")]
    [InlineData("llama.final_logit_softcapping", "30.5")]
    [InlineData("llama.logit_scale", "0.5")]
    [InlineData("llama.attention.causal", "false")]
    [InlineData("llama.rope.scaling.attn_factor", "0.5")]
    [InlineData("llama.rope.scaling.yarn_beta_fast", "16.5")]
    [InlineData("llama.tensor_data_layout", "\"another\"")]
    [InlineData("llama.surprise", "1")]
    [InlineData("general.type", "\"adapter\"")]
    [InlineData("general.sampling.temp", "0.5")]
    [InlineData("split.count", "2")]
    [InlineData("tokenizer.ggml.add_eos_token", "true")]
    [InlineData("tokenizer.ggml.remove_extra_whitespaces", "true")]
    [InlineData("somebody.note", "\"x\"")]
    public void A_value_that_would_change_the_text_and_is_not_read_is_refused_by_name(string key, string value)
    {
        Write(metadata => Add(metadata, key, value));
        AtelierException error = Should.Throw<AtelierException>(Config);
        error.Message.ShouldContain($"'{key}'");
        error.Where.ShouldBe(File);
    }

    [Theory]
    [InlineData("general.name", "\"Tiny\"")]
    [InlineData("general.license.name", "\"MIT\"")]
    [InlineData("general.type", "\"model\"")]
    [InlineData("llama.expert_count", "0")]
    [InlineData("llama.logit_scale", "1")]
    [InlineData("llama.rope.scaling.finetuned", "true")]
    [InlineData("llama.tensor_data_layout", "\"Meta AI original pth\"")]
    [InlineData("quantize.imatrix.file", "\"x.dat\"")]
    [InlineData("tokenizer.ggml.padding_token_id", "0")]
    [InlineData("tokenizer.chat_template.tool_use", "\"x\"")]
    [InlineData("somebody.switch", "false")]
    public void A_value_that_changes_nothing_is_passed(string key, string value)
    {
        Write(metadata => Add(metadata, key, value));
        Config();
    }

    [Theory]
    [InlineData("llama.rope.scale_linear", 4.0, null, 4.0)]
    [InlineData("llama.rope.scaling.factor", 4.0, null, 4.0)]
    [InlineData("llama.rope.scaling.factor", 4.0, "linear", 4.0)]
    [InlineData("llama.rope.scaling.factor", 4.0, "none", null)]
    [InlineData("llama.rope.scale_linear", 1.0, null, null)]
    public void Rotary_angles_are_scaled_as_llama_cpp_scales_them_under_either_name(string key, double factor,
        string? type, double? expected)
    {
        Write(metadata =>
        {
            metadata.Add(key, factor);
            if (type is not null)
                metadata.Add("llama.rope.scaling.type", type);
        });
        (Config()["rope_scaling"]?["factor"]?.GetValue<double>()).ShouldBe(expected);
    }

    [Fact]
    public void Two_names_of_the_factor_that_differ_and_kinds_that_are_not_read_are_refused()
    {
        Write(metadata =>
        {
            metadata.Add("llama.rope.scale_linear", 2.0);
            metadata.Add("llama.rope.scaling.factor", 4.0);
        });
        Should.Throw<AtelierException>(Config).Message.ShouldContain("llama.rope.scale_linear");
        Write(metadata => metadata.Add("llama.rope.scaling.type", "longrope"));
        Should.Throw<AtelierException>(Config).Message.ShouldContain("longrope");
    }

    [Fact]
    public void Rotary_factors_in_a_tensor_are_llama_3s_of_any_factor_and_others_are_refused()
    {
        var scaling = new RotaryScaling { Name = RotaryScalingName.Llama3, Factor = 32, OriginalContextLength = 8192 };
        float[] factors = [.. RotaryFrequencies.Divisors(64, 10_000, scaling).Select(d => (float)d)];
        Write(_ => { }, factors);
        Config()["rope_scaling"]!["factor"]!.GetValue<double>().ShouldBe(32);
        factors[5] = 7;
        Write(_ => { }, factors);
        Should.Throw<AtelierException>(Config).Message.ShouldContain("rope_freqs.weight");
    }

    [Fact]
    public void Tokens_that_the_user_defined_are_found_in_text_of_SentencePieces_kind()
    {
        WriteTokens("llama", null, [("▁", 1), ("a", 1), ("<tool>", 4), ("▁a", 1)], eos: 256);
        (Tokenizer tokenizer, _) = Read();
        tokenizer.Encode("a<tool>a").ShouldBe([260, 259, 260]); // llama.cpp inserts a space after such a token too
        var metadata = new GgufMetadata("llama");
        GgufTokenizer.Write(metadata, tokenizer, new TextBounds(256, [256]));
        GgufWriter.Write(File, metadata, [], (_, _) => { });
        Read().Tokenizer.Encode("a<tool>a").ShouldBe([260, 259, 260]);
    }

    [Fact]
    public void A_vocabulary_size_that_is_not_the_embeddings_is_refused()
    {
        Write(_ => { }, vocabularySize: 9);
        Should.Throw<AtelierException>(Config).Message.ShouldContain("'llama.vocab_size' is 9");
    }

    [Fact]
    public void Tokens_that_the_user_defined_are_found_in_byte_level_text()
    {
        WriteTokens("gpt2", "gpt-2", [("<tool>", 4), ("<tools>", 4), ("[PAD]", 5)], eos: 256);
        (Tokenizer tokenizer, _) = Read();
        tokenizer.Encode("a<tool><tools>").ShouldBe(['a', 257, 258]);
        tokenizer.Decode([257, 259, 'x']).ShouldBe("<tool>x");
        // And once more through a file of our own.
        var metadata = new GgufMetadata("gpt2");
        GgufTokenizer.Write(metadata, tokenizer, new TextBounds(256, [256]));
        GgufWriter.Write(File, metadata, [], (_, _) => { });
        Read().Tokenizer.Encode("a<tool><tools>").ShouldBe(['a', 257, 258]);
    }

    [Theory]
    [InlineData("gpt2", null, "<tool>", 4, "'tokenizer.ggml.pre'")]
    [InlineData("gpt2", "surprise", "<tool>", 4, "\"surprise\"")]
    [InlineData("gpt2", "gpt-2", "<tool>", 9, "of the kind 9")]
    [InlineData("gpt2", "gpt-2", "<tool>", 6, "of the kind byte")]
    [InlineData("llama", null, "<tool>", 9, "of the kind 9")]
    [InlineData("t5", null, "<tool>", 1, "'t5'")]
    public void Vocabularies_that_are_not_read_are_refused_by_name(string model, string? pre, string token, int kind,
        string named)
    {
        WriteTokens(model, pre, [(token, kind)], eos: 256);
        Should.Throw<AtelierException>(() => Read()).ToLine().ShouldContain(named);
    }

    [Fact]
    public void Tokens_that_overlap_are_refused_since_llama_cpp_looks_for_the_longest_first()
    {
        WriteTokens("gpt2", "gpt-2", [("abc", 4), ("cd", 4)], eos: 256);
        Should.Throw<AtelierException>(() => Read()).Message.ShouldContain("'abc' ends as 'cd' begins");
    }

    [Fact]
    public void Each_of_the_ends_that_the_file_names_ends_a_text_and_none_by_its_name()
    {
        WriteTokens("gpt2", "gpt-2", [("<|eot|>", 3), ("</s>", 3)], eos: 'x', metadata =>
        {
            metadata.Add("tokenizer.ggml.eot_token_id", 257L);
            metadata.Add("tokenizer.ggml.add_bos_token", true);
        });
        TextBounds bounds = Read().Bounds;
        bounds.EndIds.ShouldBe(['x', 257]);
        bounds.StartsPrompts.ShouldBeTrue();
        WriteTokens("gpt2", "gpt-2", [("<|eot|>", 3)], eos: 256,
            metadata => metadata.Add("tokenizer.ggml.eot_token_id", 300L));
        Should.Throw<AtelierException>(() =>
            Read()).Message.ShouldContain("'tokenizer.ggml.eot_token_id' is 300, but there are 258 tokens");
    }

    private static void Add(GgufMetadata metadata, string key, string value)
    {
        JsonElement json = JsonDocument.Parse(value).RootElement;
        if (json.ValueKind == JsonValueKind.String)
            metadata.Add(key, json.GetString()!);
        else if (json.ValueKind != JsonValueKind.Number)
            metadata.Add(key, json.GetBoolean());
        else if (json.TryGetInt64(out long whole))
            metadata.Add(key, whole);
        else
            metadata.Add(key, json.GetDouble());
    }

    private JsonObject Config()
    {
        using GgufFile file = GgufFile.Open(File);
        return GgufConfig.ToHuggingFace(file);
    }

    private (Tokenizer Tokenizer, TextBounds Bounds) Read()
    {
        using GgufFile file = GgufFile.Open(File);
        return GgufTokenizer.Read(file);
    }

    /// <summary>A file of Llama's shape, of whose tensors there are those alone that tell the shape.</summary>
    private void Write(Action<GgufMetadata> more, float[]? factors = null, int vocabularySize = 3)
    {
        var metadata = new GgufMetadata("llama");
        GgufConfig.Write(metadata, new ConfigFile("config.json", JsonDocument.Parse($$"""
            {"model_type":"llama","vocab_size":{{vocabularySize}},"hidden_size":64,"intermediate_size":8,"num_hidden_layers":1,"num_attention_heads":1,"max_position_embeddings":16}
            """).RootElement));
        more(metadata);
        List<GgufTensor> tensors = [new("token_embd.weight", WeightType.F32, [3, 64])];
        if (factors is not null)
            tensors.Add(new(GgufNames.RopeFactors, WeightType.F32, [factors.Length]));
        GgufWriter.Write(File, metadata, tensors, (tensor, stream) => stream.Write(tensor.Name == GgufNames.RopeFactors
            ? System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(factors!)
            : new byte[tensor.ByteCount]));
    }

    private void WriteTokens(string model, string? pre, (string Name, int Kind)[] more, long eos,
        Action<GgufMetadata>? add = null)
    {
        var metadata = new GgufMetadata(model == "gpt2" ? "gpt2" : "llama");
        string[] bytes = [.. Enumerable.Range(0, 256)
            .Select(value => model == "gpt2" ? new ByteTokenizer().Name(value) : TokenTable.FallbackName(value))];
        metadata.Add("tokenizer.ggml.model", model);
        if (pre is not null)
            metadata.Add("tokenizer.ggml.pre", pre);
        metadata.Add("tokenizer.ggml.tokens", [.. bytes, TokenTable.EndOfText, .. more.Select(m => m.Name)]);
        metadata.Add("tokenizer.ggml.token_type",
            [.. bytes.Select(_ => model == "gpt2" ? 1 : 6), 3, .. more.Select(m => m.Kind)]);
        metadata.Add("tokenizer.ggml.merges", Array.Empty<string>());
        metadata.Add("tokenizer.ggml.eos_token_id", eos);
        add?.Invoke(metadata);
        GgufWriter.Write(File, metadata, [], (_, _) => { });
    }
}
