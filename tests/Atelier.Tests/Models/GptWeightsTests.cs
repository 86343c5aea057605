using System.Text.Json;
using Atelier.Formats;
using Atelier.Layers;
using Atelier.Models.Gpt;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

public sealed class GptWeightsTests
{
    private static readonly GptConfig Gpt2 = new() { LayerCount = 2, HeadCount = 2, HiddenSize = 8, ContextLength = 12,
        Activation = ActivationName.GeluTanh };

    private static readonly GptConfig Llama = new()
    {
        Layout = GptLayout.Llama, LayerCount = 2, HeadCount = 4, KeyValueHeadCount = 2, HiddenSize = 16,
            FeedForwardSize = 24, ContextLength = 12,
    };

    public static TheoryData<GptConfig> Shapes { get; } =
    [
        Gpt2, Gpt2 with { Bias = false }, Gpt2 with { TieHead = false, Activation = ActivationName.Gelu },
        Llama, Llama with { Bias = true, TieHead = true, RopeTheta = 500_000 },
        Gpt2 with { Positions = PositionName.Rotary, Norm = NormName.Rms, Dropout = 0.1 },
    ];

    [Fact]
    public void Given_gpt2s_weights_when_a_plain_loop_reads_them_by_hugging_faces_names_then_logits_are_the_same()
    {
        using var scope = NewDisposeScope();
        using GptModel model = GptModelTests.Scrambled(Gpt2);
        int[] ids = TextModels.RandomTokens(9, model.VocabularySize, 1);
        double[][] expected = new PlainTransformer(GptWeights.Export(model)).Gpt2(ids, layers: 2, heads: 2, width: 8);
        TextModels.Logits(model, ids).ShouldBeNear([.. expected.SelectMany(row => row).Select(v => (float)v)], 1e-4);
    }

    [Fact]
    public void Given_llamas_weights_when_a_plain_loop_reads_them_by_hugging_faces_names_then_logits_are_the_same()
    {
        using var scope = NewDisposeScope();
        using GptModel model = GptModelTests.Scrambled(Llama with { RopeTheta = 50 });
        int[] ids = TextModels.RandomTokens(9, model.VocabularySize, 1);
        double[][] expected = new PlainTransformer(GptWeights.Export(model))
            .Llama(ids, layers: 2, heads: 4, keyValueHeads: 2, width: 16, theta: 50);
        TextModels.Logits(model, ids).ShouldBeNear([.. expected.SelectMany(row => row).Select(v => (float)v)], 1e-4);
    }

    [Fact]
    public void The_names_and_shapes_of_gpt2_are_those_of_hugging_faces_GPT2LMHeadModel()
    {
        using var scope = NewDisposeScope();
        using GptModel model = GptModelTests.Scrambled(Gpt2 with { LayerCount = 1 });
        NamesAndShapes(model).ShouldBe(
        [
            "transformer.h.0.attn.c_attn.bias [24]", "transformer.h.0.attn.c_attn.weight [8, 24]",
            "transformer.h.0.attn.c_proj.bias [8]", "transformer.h.0.attn.c_proj.weight [8, 8]",
            "transformer.h.0.ln_1.bias [8]", "transformer.h.0.ln_1.weight [8]",
            "transformer.h.0.ln_2.bias [8]", "transformer.h.0.ln_2.weight [8]",
            "transformer.h.0.mlp.c_fc.bias [32]", "transformer.h.0.mlp.c_fc.weight [8, 32]",
            "transformer.h.0.mlp.c_proj.bias [8]", "transformer.h.0.mlp.c_proj.weight [32, 8]",
            "transformer.ln_f.bias [8]", "transformer.ln_f.weight [8]",
            "transformer.wpe.weight [12, 8]", "transformer.wte.weight [11, 8]",
        ]);
    }

    [Fact]
    public void The_names_and_shapes_of_llama_are_those_of_hugging_faces_LlamaForCausalLM()
    {
        using var scope = NewDisposeScope();
        using GptModel model = GptModelTests.Scrambled(Llama with { LayerCount = 1 });
        NamesAndShapes(model).ShouldBe(
        [
            "lm_head.weight [11, 16]", "model.embed_tokens.weight [11, 16]",
            "model.layers.0.input_layernorm.weight [16]",
            "model.layers.0.mlp.down_proj.weight [16, 24]", "model.layers.0.mlp.gate_proj.weight [24, 16]",
            "model.layers.0.mlp.up_proj.weight [24, 16]",
            "model.layers.0.post_attention_layernorm.weight [16]",
            "model.layers.0.self_attn.k_proj.weight [8, 16]", "model.layers.0.self_attn.o_proj.weight [16, 16]",
            "model.layers.0.self_attn.q_proj.weight [16, 16]", "model.layers.0.self_attn.v_proj.weight [8, 16]",
            "model.norm.weight [16]",
        ]);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Given_any_shape_when_its_config_and_weights_are_written_and_read_then_it_is_the_same_model(
        GptConfig config)
    {
        using var scope = NewDisposeScope();
        using GptModel model = GptModelTests.Scrambled(config);
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, GptConfigFile.Write(model));
            ConfigFile file = ConfigFile.Read(path);
            GptConfig read = GptConfigFile.Read(file);
            using var copy = new GptModel(read, file.VocabularySize, Precision.Fp32, seed: 99);
            GptWeights.Import(copy, GptWeights.Export(model), "model.safetensors");
            int[] ids = TextModels.RandomTokens(9, model.VocabularySize, 1);
            TextModels.Logits(copy, ids).ShouldBe(TextModels.Logits(model, ids));
            copy.Config.Dropout.ShouldBe(model.Config.Dropout);
            GptWeights.ParameterCount(read, file.VocabularySize).ShouldBe(model.parameters().Sum(p => p.numel()));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Given_a_bare_GPT2Models_names_and_old_buffers_then_it_loads_all_the_same()
    {
        using var scope = NewDisposeScope();
        using GptModel model = GptModelTests.Scrambled(Gpt2);
        Dictionary<string, Tensor> bare = GptWeights.Export(model)
            .ToDictionary(t => t.Key["transformer.".Length..], t => t.Value);
        bare["h.0.attn.bias"] = ones(1, 1, 12, 12);
        using var copy = new GptModel(Gpt2, model.VocabularySize, Precision.Fp32, seed: 99);
        GptWeights.Import(copy, bare, "model.safetensors");
        TextModels.Logits(copy, [1, 2]).ShouldBe(TextModels.Logits(model, [1, 2]));
    }

    [Fact]
    public void The_errors_of_missing_misshapen_and_unknown_tensors_name_them()
    {
        using var scope = NewDisposeScope();
        using GptModel model = GptModelTests.Scrambled(Gpt2);
        AtelierException Spoiled(Action<Dictionary<string, Tensor>> spoil)
        {
            Dictionary<string, Tensor> tensors = GptWeights.Export(model);
            spoil(tensors);
            return Should.Throw<AtelierException>(() => GptWeights.Import(model, tensors, "model.safetensors"));
        }
        Spoiled(t => t.Remove("transformer.ln_f.weight")).Message.ShouldBe(
            "the tensor transformer.ln_f.weight is missing");
        Spoiled(t => t["transformer.wte.weight"] = zeros(12, 8)).Message.ShouldBe(
            "the tensor transformer.wte.weight is [12, 8], but config.json implies [11, 8]");
        Spoiled(t => t["transformer.h.2.ln_1.weight"] = zeros(8)).Message.ShouldContain("transformer.h.2.ln_1.weight");
    }

    [Theory]
    [InlineData("""{"model_type":"gpt2","vocab_size":5,"n_embd":8,"n_layer":1,"n_head":"two"}""",
        "n_head must be a whole number, not \"two\"")]
    [InlineData("""{"model_type":"gpt2","vocab_size":5,"n_embd":8,"n_layer":1}""", "n_head is missing")]
    [InlineData("""{"model_type":"gpt2","vocab_size":5,"n_embd":8,"n_layer":1,"n_head":2,"""
        + """ "activation_function":"relu"}""",
        "'activation_function' is \"relu\", which is not supported")]
    [InlineData("""{"model_type":"gpt2","vocab_size":5,"n_embd":8,"n_layer":-1,"n_head":2}""", "the layer count is -1")]
    [InlineData("""[]""", "is not a JSON object")]
    [InlineData("""{"model_type":""", "is not JSON")]
    public void The_error_of_a_wrong_config_says_what_is_wrong(string json, string message)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, json);
            Should.Throw<AtelierException>(() =>
                GptConfigFile.Read(ConfigFile.Read(path))).Message.ShouldContain(message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_llama_config_has_the_keys_that_hugging_face_reads()
    {
        using var model = new GptModel(Llama, 11, Precision.Fp32, seed: 1);
        JsonElement root = JsonDocument.Parse(GptConfigFile.Write(model)).RootElement;
        root.GetProperty("architectures")[0].GetString().ShouldBe("LlamaForCausalLM");
        root.GetProperty("num_key_value_heads").GetInt32().ShouldBe(2);
        root.GetProperty("intermediate_size").GetInt32().ShouldBe(24);
        root.GetProperty("max_position_embeddings").GetInt32().ShouldBe(12);
        root.GetProperty("tie_word_embeddings").GetBoolean().ShouldBeFalse();
    }

    private static IEnumerable<string> NamesAndShapes(GptModel model) =>
        GptWeights.Export(model).Select(t => $"{t.Key} [{string.Join(", ", t.Value.shape)}]")
            .Order(StringComparer.Ordinal);
}
