using Atelier.Formats;
using Atelier.Models.Transformer;
using Atelier.Tasks.Pairs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

public sealed class TransformerFamilyTests
{
    [Theory]
    [InlineData("marian")]
    [InlineData("bart")]
    public void Given_a_network_of_Hugging_Face_when_computed_then_its_numbers_are_equal(string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        using TransformerModel model = Read(golden, golden.Tensors());
        using var evaluation = new EvaluationMode(model);
        Tensor mask = golden.Input("attention_mask"), padding = mask.eq(zeros_like(mask));
        Tensor encoded = model.Encode(golden.Input("input_ids"), padding);
        golden.ShouldEqual("encoder_last_hidden_state", encoded, mask);
        golden.ShouldEqual("logits",
            model.Head(model.Decode(golden.Input("decoder_input_ids"), encoded, padding, null)));
    }

    [Theory]
    [InlineData("marian")]
    [InlineData("bart")]
    public void Given_a_network_of_Hugging_Face_when_exported_then_its_files_have_the_same_keys_and_tensors(string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        Dictionary<string, Tensor> tensors = golden.Tensors();
        using TransformerModel model = Read(golden, tensors);
        IReadOnlyDictionary<string, Tensor> written = TransformerWeights.Export(model);
        written.Keys.ShouldBe(tensors.Keys, ignoreOrder: true);
        foreach ((string tensor, Tensor value) in written)
            value.data<float>().ToArray().ShouldBe(tensors[tensor].data<float>().ToArray(), tensor);
        string text = TransformerConfigFile.Write(model, PairConfigFile.ReadEnds(golden.Config));
        using var document = System.Text.Json.JsonDocument.Parse(text);
        foreach (string key in (string[])["d_model", "encoder_layers", "decoder_ffn_dim", "activation_function",
            "decoder_start_token_id", "eos_token_id", "pad_token_id", "scale_embedding", "model_type"])
        {
            document.RootElement.GetProperty(key).GetRawText()
                .ShouldBe(golden.Config.Root.GetProperty(key).GetRawText(), key);
        }
    }

    [Theory]
    [InlineData("\"normalize_before\": true", "normalize_before")]
    [InlineData("\"decoder_ffn_dim\": 2", "decoder_ffn_dim")]
    [InlineData("\"activation_function\": \"tanh\"", "tanh")]
    [InlineData("\"bad_words_ids\": [[3]]", "bad_words_ids")]
    [InlineData("\"relative_bias\": true", "relative_bias")]
    public void Given_a_key_that_is_not_supported_when_read_then_it_is_refused_by_name(string line, string named)
    {
        string text = $$"""
            {"model_type": "marian", "vocab_size": 7, "d_model": 8, "pad_token_id": 0,
             "eos_token_id": 1, {{line}}}
            """;
        using var document = System.Text.Json.JsonDocument.Parse(text);
        var file = new ConfigFile("config.json", document.RootElement.Clone());
        Should.Throw<AtelierException>(() => TransformerConfigFile.Read(file)).Message.ShouldContain(named);
    }

    [Fact]
    public void Given_a_missing_or_an_unknown_tensor_when_imported_then_it_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("marian");
        Dictionary<string, Tensor> tensors = golden.Tensors();
        tensors.Remove("model.encoder.layers.1.fc1.bias", out Tensor? bias);
        Should.Throw<AtelierException>(() => Read(golden, tensors)).Message
            .ShouldContain("model.encoder.layers.1.fc1.bias");
        tensors["model.encoder.layers.1.fc1.bias"] = bias!;
        tensors["model.encoder.layers.2.fc1.bias"] = bias!;
        Should.Throw<AtelierException>(() => Read(golden, tensors)).Message
            .ShouldContain("model.encoder.layers.2.fc1.bias");
    }

    private static TransformerModel Read(GoldenNetwork golden, Dictionary<string, Tensor> tensors)
    {
        (TransformerConfig config, int? sources, int vocabulary) = TransformerConfigFile.Read(golden.Config);
        var model = new TransformerModel(config, sources, vocabulary, Precision.Fp32, seed: 0);
        TransformerWeights.Import(model, tensors, golden.Path);
        return model;
    }
}
