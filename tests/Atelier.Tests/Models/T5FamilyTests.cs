using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Models.T5;
using Atelier.Networks;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

public sealed class T5FamilyTests
{
    public static TheoryData<string> Networks => ["t5", "t5-gated", "t5-wide-heads"];

    [Theory]
    [MemberData(nameof(Networks))]
    public void Given_a_network_of_Hugging_Face_when_computed_then_its_numbers_are_equal(string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        using T5Model model = Read(golden, golden.Tensors());
        golden.ShouldEqual("encoder_last_hidden_state", Encoded(golden, model), golden.Input("attention_mask"));
        golden.ShouldEqual("logits", Logits(golden, model));
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Given_a_network_of_Hugging_Face_when_exported_then_its_files_have_the_same_keys_and_tensors(string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        Dictionary<string, Tensor> tensors = golden.Tensors();
        using T5Model model = Read(golden, tensors);
        IReadOnlyDictionary<string, Tensor> written = T5Weights.Export(model);
        written.Keys.ShouldBe(tensors.Keys, ignoreOrder: true);
        foreach ((string tensor, Tensor value) in written)
            value.data<float>().ToArray().ShouldBe(tensors[tensor].data<float>().ToArray(), tensor);
        using var document = JsonDocument.Parse(T5ConfigFile.Write(model, T5ConfigFile.ReadEnds(golden.Config)));
        string[] ignored = ["transformers_version", "initializer_factor", "use_cache"];
        foreach (JsonProperty key in golden.Config.Root.EnumerateObject().Where(key => !ignored.Contains(key.Name)))
        {
            JsonElement own = document.RootElement.GetProperty(key.Name);
            if (key.Value.ValueKind == JsonValueKind.Number)
                own.GetDouble().ShouldBe(key.Value.GetDouble(), key.Name);
            else
                JsonNode.DeepEquals(JsonNode.Parse(own.GetRawText()), JsonNode.Parse(key.Value.GetRawText()))
                    .ShouldBeTrue(key.Name);
        }
    }

    [Theory]
    [InlineData("\"feed_forward_proj\": \"gated-relu6\"", "gated-relu6")]
    [InlineData("\"feed_forward_proj\": \"gated-gelu\", \"dense_act_fn\": \"relu\"", "dense_act_fn")]
    [InlineData("\"is_gated_act\": true", "is_gated_act")]
    [InlineData("\"relative_attention_num_buckets\": 30", "relativeBuckets")]
    [InlineData("\"relative_attention_max_distance\": 16", "relativeDistance")]
    [InlineData("\"relative_attention_max_distance\": \"far\"", "relative_attention_max_distance")]
    [InlineData("\"num_layers\": 2147483647", "EncoderLayerCount")]
    [InlineData("\"d_kv\": -4", "HeadSize")]
    [InlineData("\"layer_norm_epsilon\": 0", "NormEpsilon")]
    [InlineData("\"is_encoder_decoder\": false", "is_encoder_decoder")]
    [InlineData("\"bad_words_ids\": [[3]]", "bad_words_ids")]
    [InlineData("\"rope_theta\": 10000", "rope_theta")]
    public void Given_a_key_that_is_not_supported_when_read_then_it_is_refused_by_name(string line, string named)
    {
        using var document = JsonDocument.Parse($$"""{"model_type": "t5", "vocab_size": 7, {{line}}}""");
        var file = new ConfigFile("config.json", document.RootElement.Clone());
        Should.Throw<AtelierException>(() => T5ConfigFile.Read(file)).ToLine().ShouldContain(named);
    }

    [Fact]
    public void Given_a_size_that_the_weights_do_not_have_when_read_then_nothing_is_allocated()
    {
        using var scope = NewDisposeScope();
        using var document = JsonDocument.Parse(
            """{"model_type": "t5", "vocab_size": 2000000000, "d_model": 65536, "num_layers": 1000}""");
        var file = new ConfigFile("config.json", document.RootElement.Clone());
        var tensors = new Dictionary<string, Tensor> { ["shared.weight"] = ones(2) };
        Should.Throw<AtelierException>(() => T5Weights.Read(file, tensors, "model.safetensors"))
            .Message.ShouldContain("holds 2 weights");
    }

    [Fact]
    public void Given_a_missing_or_an_unknown_tensor_when_imported_then_it_is_refused_by_name()
    {
        const string name = "decoder.block.1.layer.2.DenseReluDense.wo.weight";
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("t5");
        Dictionary<string, Tensor> tensors = golden.Tensors();
        tensors.Remove(name, out Tensor? weights);
        tensors["encoder.block.7.layer.0.layer_norm.weight"] = weights!;
        Should.Throw<AtelierException>(() => Read(golden, tensors)).Message.ShouldContain(name);
        tensors[name] = weights!;
        Should.Throw<AtelierException>(() => Read(golden, tensors)).Message.ShouldContain("encoder.block.7");
    }

    [Fact]
    public void Given_copies_of_the_embedding_when_imported_then_they_change_nothing()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("t5");
        Dictionary<string, Tensor> tensors = golden.Tensors();
        foreach (string copy in (string[])["encoder.embed_tokens", "decoder.embed_tokens", "lm_head"])
            tensors[copy + ".weight"] = tensors["shared.weight"].clone();
        using T5Model model = Read(golden, tensors);
        model.Config.TieHead.ShouldBe(true);
        golden.ShouldEqual("logits", Logits(golden, model));
    }

    [Fact]
    public void Given_an_output_layer_that_config_json_does_not_mention_when_read_then_it_is_used()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("t5");
        Dictionary<string, Tensor> tensors = golden.Tensors();
        tensors["lm_head.weight"] = tensors["shared.weight"].neg();
        using T5Model model = Read(golden, tensors);
        (model.Config.TieHead, model.Config.ScaleOutput).ShouldBe((false, true));
        golden.ShouldEqual("logits", Logits(golden, model).neg());
        using var document = JsonDocument.Parse(T5ConfigFile.Write(model, T5ConfigFile.ReadEnds(golden.Config)));
        (T5Config again, _) = T5ConfigFile.Read(new ConfigFile("config.json", document.RootElement.Clone()));
        (again with { Layout = model.Config.Layout }).ShouldBe(model.Config);
    }

    [Fact]
    public void Given_a_vocabulary_with_unused_rows_when_read_then_logits_are_those_of_the_tokens()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("t5-gated");
        using T5Model whole = Read(golden, golden.Tensors()),
            model = T5Weights.Read(golden.Config, golden.Tensors(), golden.Path, tokens: 20);
        model.VocabularySize.ShouldBe(20);
        Tensor source = golden.Input("input_ids").remainder(20);
        Tensor target = golden.Input("decoder_input_ids").remainder(20);
        Compute(model, source, target).allclose(Compute(whole, source, target).narrow(2, 0, 20), 1e-4, 1e-5)
            .ShouldBeTrue();

        static Tensor Compute(T5Model model, Tensor source, Tensor target)
        {
            using var evaluation = new EvaluationMode(model);
            Tensor padding = zeros_like(source, ScalarType.Bool);
            return model.Head(model.Decode(target, model.Encode(source, padding), padding, null));
        }
    }

    /// <summary>The first distance of each range, as the published code computes it for 32 ranges up to 128.</summary>
    [Fact]
    public void Relative_positions_are_in_the_ranges_of_the_published_code()
    {
        (int Distance, int Range)[] both =
        [
            (-90, 14), (-63, 13), (-45, 12), (-31, 11), (-22, 10), (-15, 9), (-11, 8), (-7, 7), (-1, 1), (0, 0),
            (1, 17), (7, 23), (8, 24), (12, 25), (16, 26), (23, 27), (32, 28), (46, 29), (64, 30), (91, 31),
        ];
        var positions = new RelativePositions(32, 128);
        foreach ((int distance, int range) in both)
        {
            positions.BucketOf(distance, true).ShouldBe(range, $"{distance}");
            int before = distance switch { < 0 => range + 1, 0 => 1, 1 => 0, _ => range - 1 };
            positions.BucketOf(distance - 1, true).ShouldBe(before, $"{distance} - 1");
        }
        (int Distance, int Range)[] earlier =
        [
            (-112, 30), (-98, 29), (-86, 28), (-76, 27), (-66, 26), (-58, 25), (-51, 24), (-45, 23), (-39, 22),
            (-34, 21), (-30, 20), (-26, 19), (-23, 18), (-20, 17), (-18, 16), (-15, 15), (-1, 1),
        ];
        foreach ((int distance, int range) in earlier)
        {
            positions.BucketOf(distance, false).ShouldBe(range, $"{distance}");
            positions.BucketOf(distance - 1, false).ShouldBe(range + 1, $"{distance}");
        }
        positions.BucketOf(5, false).ShouldBe(0);
    }

    /// <summary>
    /// A second way: range exact + j begins at the distance exact · (longest / exact)^(j / (count − exact)).
    /// </summary>
    [Theory]
    [InlineData(true, 32, 128)]
    [InlineData(false, 32, 128)]
    [InlineData(true, 8, 12)]
    [InlineData(false, 64, 256)]
    public void Biases_of_a_query_are_those_of_its_distances_to_the_keys(bool bidirectional, int count, int longest)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3, CPU);
        using var positions = new RelativePositionBias(count, longest, headCount: 2, bidirectional, 1, random);
        const int start = 40, time = 3, span = 300;
        float[] biases = positions.Of(start, time, span).contiguous().data<float>().ToArray();
        float[] table = positions.Biases.Weight.data<float>().ToArray();
        for (int i = 0; i < biases.Length; i++)
        {
            (int head, int query, int key) = (i / (time * span), i / span % time, i % span);
            biases[i].ShouldBe(table[(Slow(key - (start + query)) * 2) + head]);
        }

        int Slow(int distance)
        {
            int half = bidirectional ? count / 2 : count, exact = half / 2;
            int away = bidirectional ? Math.Abs(distance) : Math.Max(0, -distance);
            int range = Math.Min(away, exact);
            for (int j = 1; j < half - exact; j++)
                range += away >= (exact * Math.Pow((double)longest / exact, (double)j / (half - exact))) - 1e-6 ? 1 : 0;
            return range + (bidirectional && distance > 0 ? half : 0);
        }
    }

    [Fact]
    public void Initial_weights_are_as_wide_as_in_the_published_code()
    {
        using var scope = NewDisposeScope();
        var config = new T5Config { HiddenSize = 64, HeadCount = 4, HeadSize = 25, FeedForwardSize = 300,
            EncoderLayerCount = 1, DecoderLayerCount = 1 };
        using var model = new T5Model(config, 500, Precision.Fp32, seed: 5);
        IReadOnlyDictionary<string, Tensor> weights = T5Weights.Export(model);
        Check("shared", 1);
        foreach (string attention in (string[])["encoder.block.0.layer.0.SelfAttention",
            "decoder.block.0.layer.0.SelfAttention", "decoder.block.0.layer.1.EncDecAttention"])
        {
            Check(attention + ".q", Math.Pow(64 * 25, -0.5));
            Check(attention + ".k", Math.Pow(64, -0.5));
            Check(attention + ".v", Math.Pow(64, -0.5));
            Check(attention + ".o", Math.Pow(4 * 25, -0.5));
        }
        Check("encoder.block.0.layer.1.DenseReluDense.wi", Math.Pow(64, -0.5));
        Check("encoder.block.0.layer.1.DenseReluDense.wo", Math.Pow(300, -0.5));
        Check("encoder.block.0.layer.0.SelfAttention.relative_attention_bias", Math.Pow(64, -0.5), 0.3);

        void Check(string name, double deviation, double tolerance = 0.05) =>
            weights[name + ".weight"].std().ToDouble().ShouldBe(deviation, tolerance * deviation, name);
    }

    private static T5Model Read(GoldenNetwork golden, Dictionary<string, Tensor> tensors) =>
        T5Weights.Read(golden.Config, tensors, golden.Path);

    private static Tensor Encoded(GoldenNetwork golden, T5Model model)
    {
        using var evaluation = new EvaluationMode(model);
        return model.Encode(golden.Input("input_ids"), Padding(golden));
    }

    private static Tensor Logits(GoldenNetwork golden, T5Model model)
    {
        using var evaluation = new EvaluationMode(model);
        return model.Head(
            model.Decode(golden.Input("decoder_input_ids"), Encoded(golden, model), Padding(golden), null));
    }

    private static Tensor Padding(GoldenNetwork golden)
    {
        Tensor mask = golden.Input("attention_mask");
        return mask.eq(zeros_like(mask));
    }
}
