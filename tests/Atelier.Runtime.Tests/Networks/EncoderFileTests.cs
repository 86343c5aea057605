using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Networks;
using Atelier.Runtime.Tests.Formats;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>Encoders' files under Hugging Face's names, whole and damaged.</summary>
public sealed class EncoderFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("bert", true)]
    [InlineData("bert", false)]
    [InlineData("roberta", true)]
    public void Models_with_and_without_heads_open_with_what_their_files_hold(string type, bool hasHead)
    {
        WriteModel(_folder, type, hasHead);
        (EncoderConfig config, EncoderWeights weights) = EncoderWeightsFile.Open(_folder);
        using var encoder = new Encoder(config, weights, 1);
        config.ContextLength.ShouldBe(type == "bert" ? 12 : 10);
        config.PositionOffset.ShouldBe(type == "bert" ? 0 : 2);
        (weights.MaskedHead is not null).ShouldBe(hasHead);
        (weights.Pooler is not null).ShouldBe(!hasHead);
        EncoderInput input = new(new[] { 3, 1, 4, 1, 5 });
        double[] expected = [.. new PlainEncoder(config, weights).Encode([3, 1, 4, 1, 5]).SelectMany(row => row)];
        float[] states = encoder.Encode([input])[0];
        for (int i = 0; i < expected.Length; i++)
            ((double)states[i]).ShouldBe(expected[i], 1e-4);
    }

    [Theory]
    [InlineData("model_type", "\"electra\"", "electra")]
    [InlineData("hidden_act", "\"silu\"", "silu")]
    [InlineData("position_embedding_type", "\"relative_key\"", "relative_key")]
    [InlineData("architectures", "[\"BertForQuestionAnswering\"]", "BertForQuestionAnswering")]
    [InlineData("is_decoder", "true", "is_decoder")]
    [InlineData("window", "5", "window")]
    [InlineData("num_attention_heads", "3", "3 heads")]
    [InlineData("num_attention_heads", "0", "head count is 0")]
    [InlineData("hidden_size", "-8", "hidden size is -8")]
    [InlineData("hidden_size", "16777216", "config.json implies")]
    [InlineData("num_hidden_layers", "9", "encoder.layer.1")]
    [InlineData("num_hidden_layers", "2000000000", "layer count")]
    [InlineData("max_position_embeddings", "0", "no position")]
    [InlineData("max_position_embeddings", "13", "config.json implies")]
    [InlineData("layer_norm_eps", "2", "epsilon")]
    [InlineData("type_vocab_size", "0", "number of types is 0")]
    public void A_configuration_that_is_not_read_is_refused_in_one_line(string key, string value, string told)
    {
        WriteModel(_folder, "bert", hasHead: false);
        string path = Path.Combine(_folder, "config.json");
        JsonNode config = JsonNode.Parse(File.ReadAllText(path))!;
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(path, config.ToJsonString());
        string message = Should.Throw<AtelierException>(() => EncoderWeightsFile.Open(_folder)).Message;
        message.ShouldContain(told);
        message.ShouldNotContain('\n');
    }

    [Theory]
    [InlineData("encoder.layer.0.attention.self.key.bias", null, "attention.self.key.bias is missing")]
    [InlineData(null, "encoder.layer.1.output.dense.weight", "encoder.layer.1.output.dense.weight does not belong")]
    [InlineData(null, "qa_outputs.weight", "qa_outputs.weight does not belong")]
    [InlineData("pooler.dense.bias", null, "pooler.dense.bias is missing")]
    public void Weights_that_are_missing_or_too_many_are_refused_by_name(string? left, string? added, string told)
    {
        WriteModel(_folder, "bert", hasHead: false, left, added);
        Should.Throw<AtelierException>(() => EncoderWeightsFile.Open(_folder)).Message.ShouldContain(told);
    }

    /// <summary>Writes a model of one small block with random weights.</summary>
    internal static void WriteModel(string folder, string type, bool hasHead, string? left = null, string? added = null,
        int vocabulary = 20)
    {
        const int hidden = 8, inner = 12;
        string prefix = hasHead ? type + "." : "";
        var entries = new List<SafetensorsEntry>();
        Matrix("embeddings.word_embeddings", vocabulary, hidden);
        Matrix("embeddings.position_embeddings", 12, hidden);
        Matrix("embeddings.token_type_embeddings", 2, hidden);
        Vectors("embeddings.LayerNorm", hidden);
        foreach (string square in (string[])["attention.self.query", "attention.self.key", "attention.self.value",
            "attention.output.dense"])
            Linear("encoder.layer.0." + square, hidden, hidden);
        Vectors("encoder.layer.0.attention.output.LayerNorm", hidden);
        Linear("encoder.layer.0.intermediate.dense", inner, hidden);
        Linear("encoder.layer.0.output.dense", hidden, inner);
        Vectors("encoder.layer.0.output.LayerNorm", hidden);
        if (!hasHead)
            Linear("pooler.dense", hidden, hidden);
        prefix = "";
        if (hasHead)
        {
            string head = type == "bert" ? "cls.predictions." : "lm_head.";
            string transform = type == "bert" ? head + "transform." : head;
            Linear(transform + "dense", hidden, hidden);
            Vectors(transform + (type == "bert" ? "LayerNorm" : "layer_norm"), hidden);
            entries.Add(new(head + "bias", SafetensorsType.F32, [vocabulary]));
            Matrix(head + "decoder", vocabulary, hidden); // a copy of the tied embedding
        }
        if (added is not null)
            entries.Add(new(added, SafetensorsType.F32, [hidden]));
        entries.RemoveAll(entry => entry.Name == left);
        TinyModelFiles.WriteWeights(Path.Combine(folder, "model.safetensors"), entries, 1);
        File.WriteAllText(Path.Combine(folder, "config.json"), $$"""
            {"model_type":"{{type}}","vocab_size":{{vocabulary}},"hidden_size":{{hidden}},"intermediate_size":{{inner}},
            "num_hidden_layers":1,"num_attention_heads":2,"hidden_act":"gelu","max_position_embeddings":12,
            "type_vocab_size":2,"layer_norm_eps":1e-12,"pad_token_id":{{(type == "bert" ? 0 : 1)}}}
            """);

        void Matrix(string name, int rows, int columns) =>
            entries.Add(new(prefix + name + ".weight", SafetensorsType.F32, [rows, columns]));

        void Linear(string name, int rows, int columns)
        {
            Matrix(name, rows, columns);
            entries.Add(new(prefix + name + ".bias", SafetensorsType.F32, [rows]));
        }

        void Vectors(string name, int size)
        {
            entries.Add(new(prefix + name + ".weight", SafetensorsType.F32, [size]));
            entries.Add(new(prefix + name + ".bias", SafetensorsType.F32, [size]));
        }
    }
}
