using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Models.Bert;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

public sealed class BertModelTests
{
    private const int Vocabulary = 11, Mask = 10;

    private static readonly BertConfig Tiny = new()
    {
        LayerCount = 2, HeadCount = 2, HiddenSize = 8, FeedForwardSize = 12, ContextLength = 12, Dropout = 0,
        AttentionDropout = 0,
    };

    public static TheoryData<BertConfig> Shapes { get; } =
    [
        Tiny, Tiny with { Layout = BertLayout.Roberta, Activation = ActivationName.GeluTanh },
        Tiny with { TieHead = false, Activation = ActivationName.Relu, NormEpsilon = 1e-3 },
    ];

    [Theory]
    [InlineData("bert")]
    [InlineData("bert-masked-lm")]
    [InlineData("roberta-masked-lm")]
    public void Outputs_equal_those_of_hugging_faces_code(string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        using BertModel model = Read(golden, golden.Tensors());
        using var evaluation = new EvaluationMode(model);
        Tensor mask = golden.Input("attention_mask");
        Tensor? types = name == "roberta-masked-lm" ? null : golden.Input("token_type_ids");
        Tensor hidden = model.Encode(golden.Input("input_ids"), mask.EqualTo(0), types);
        if (model.PredictsTokens)
        {
            golden.ShouldEqual("logits", model.Head(hidden), mask);
            return;
        }
        golden.ShouldEqual("last_hidden_state", hidden, mask);
        golden.ShouldEqual("pooler_output", model.Pool(hidden));
    }

    [Fact]
    public void Every_golden_number_of_minilm_is_within_one_ten_thousandth()
    {
        string lines = DataFolder.File("weights", "minilm", "golden.jsonl");
        using BertModel model = BertFamily.ReadModel(Bundle.Open(Path.GetDirectoryName(lines)!));
        model.eval();
        model.PredictsTokens.ShouldBeFalse();
        foreach (string line in File.ReadLines(lines))
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad();
            using var json = JsonDocument.Parse(line);
            int[] ids = [.. json.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            Tensor hidden = model.Encode(TextModels.Ids(ids, 1)); // [1, time, hidden]
            Tensor mean = hidden.mean([1L]);
            Check("cls", hidden.narrow(1, 0, 1));
            Check("last", hidden.narrow(1, ids.Length - 1, 1));
            Check("embedding", mean / mean.norm());

            void Check(string name, Tensor actual) => actual.contiguous().data<float>().ToArray().ShouldBeNear(
                [.. json.RootElement.GetProperty(name).EnumerateArray().Select(v => v.GetSingle())], 1e-4);
        }
    }

    [Fact]
    public void Minilm_embeds_texts_as_its_golden_numbers_say()
    {
        string lines = DataFolder.File("weights", "minilm", "golden.jsonl");
        using ITrainedModel model = new BertFamily().Load(Bundle.Open(Path.GetDirectoryName(lines)!), "cpu");
        JsonElement[] golden = [.. File.ReadLines(lines).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
        IReadOnlyList<float[]> vectors = model.Require<ITextEmbedder>()
            .Embed([.. golden.Select(one => one.GetProperty("text").GetString()!)]);
        for (int i = 0; i < golden.Length; i++)
        {
            vectors[i].ShouldBeNear([.. golden[i].GetProperty("embedding").EnumerateArray()
                .Select(value => value.GetSingle())], 1e-4);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Gradients_equal_finite_differences(BertConfig config)
    {
        using BertModel model = Scrambled(config);
        model.to(ScalarType.Float64);
        using TextBatch batch = MaskedBatch();
        FiniteDifferences.ShouldMatchGradients(model, () => model.Loss(batch));
    }

    [Fact]
    public void The_loss_counts_masked_positions_alone()
    {
        using BertModel model = Scrambled(Tiny);
        using TextBatch batch = MaskedBatch();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        model.eval();
        float[] logits = model.Head(model.Encode(batch.Inputs)).data<float>().ToArray();
        long[] targets = batch.Targets.data<long>().ToArray();
        double nats = 0;
        foreach (int at in Enumerable.Range(0, targets.Length).Where(at => targets[at] >= 0))
        {
            float[] row = logits[(at * Vocabulary)..((at + 1) * Vocabulary)];
            nats += Math.Log(row.Sum(logit => Math.Exp(logit))) - row[targets[at]];
        }
        double mean = nats / targets.Count(target => target >= 0);
        model.Loss(batch).ToSingle().ShouldBe((float)mean, 1e-4f);
        model.Evaluate(batch)["loss"].ShouldBe(mean, 1e-4);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Given_sequences_of_several_lengths_when_predicted_together_then_each_is_as_by_itself(BertConfig config)
    {
        using BertModel model = Scrambled(config);
        MaskedSequence[] sequences =
        [
            new(new[] { 1, 2, Mask, 4, 5 }, new[] { 2 }), new(new[] { 3, Mask }, new[] { 0, 1 }),
            new(new[] { 4 }, Array.Empty<int>()),
        ];
        IReadOnlyList<float[]> together = model.Predict(sequences);
        together.Select(row => row.Length).ShouldBe([Vocabulary, 2 * Vocabulary, 0]);
        for (int i = 0; i < sequences.Length; i++)
            together[i].ShouldBeNear(model.Predict([sequences[i]])[0], 1e-5);
        Should.Throw<ArgumentException>(() => model.Predict([new(new int[13], new[] { 0 })]));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Given_any_shape_when_written_and_loaded_then_it_is_the_same_model(BertConfig config)
    {
        using var folder = new TemporaryFolder();
        using BertModel model = Scrambled(config);
        CharacterTokenizer tokenizer = CharacterTokenizer.Train(["abcdefghi"], byteFallback: false);
        var tokens = new MaskedTokens(Mask) { BeginId = 0, EndId = 0, PadId = 1 };
        BertFamily.Write(folder["bundle"], model, tokenizer, new(), tokens, card: "");
        using ITrainedModel loaded = new BertFamily().Load(Bundle.Open(folder["bundle"]), "cpu");
        var generator = loaded.Require<MaskedTextGenerator>();
        generator.Tokens.ShouldBe(tokens);
        var sequence = new MaskedSequence(new[] { 1, 2, Mask }, new[] { 0, 2 });
        generator.Model.Predict([sequence])[0].ShouldBe(model.Predict([sequence])[0]);
        var copy = (BertModel)generator.Model;
        // masks are of training, and files have no place for them
        copy.Config.ShouldBe(model.Config);
        copy.parameters().Sum(p => p.numel()).ShouldBe(model.parameters().Sum(p => p.numel()));
    }

    [Theory]
    [InlineData("bert")]
    [InlineData("bert-masked-lm")]
    [InlineData("roberta-masked-lm")]
    public void Files_of_hugging_face_are_written_with_the_names_and_numbers_that_they_had(string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        Dictionary<string, Tensor> read = golden.Tensors();
        using BertModel model = Read(golden, read);
        IReadOnlyDictionary<string, Tensor> written = BertWeights.Export(model);
        written.Keys.ShouldBe(read.Keys, ignoreOrder: true);
        foreach ((string tensor, Tensor value) in written)
            value.data<float>().ToArray().ShouldBe(read[tensor].data<float>().ToArray(), tensor);
        using var document = JsonDocument.Parse(
            BertConfigFile.Write(model, new MaskedTokens(null) { PadId = model.PadId }));
        foreach (string key in (string[])["model_type", "vocab_size", "max_position_embeddings", "hidden_act",
            "layer_norm_eps", "type_vocab_size", "pad_token_id", "intermediate_size", "num_hidden_layers"])
        {
            document.RootElement.GetProperty(key).GetRawText().ToLowerInvariant()
                .ShouldBe(golden.Config.Root.GetProperty(key).GetRawText().ToLowerInvariant(), key);
        }
        document.RootElement.GetProperty("architectures")[0].GetString()
            .ShouldBe(golden.Config.Root.GetProperty("architectures")[0].GetString());
    }

    [Fact]
    public void Names_of_the_first_files_and_tensors_without_a_use_are_read_too()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("bert-masked-lm");
        using BertModel model = Read(golden, golden.Tensors());
        Dictionary<string, Tensor> tensors = golden.Tensors().ToDictionary(
            t => t.Key.Replace("LayerNorm.weight", "LayerNorm.gamma").Replace("LayerNorm.bias", "LayerNorm.beta"),
            t => t.Value);
        tensors["bert.embeddings.position_ids"] = zeros(1, 20);
        tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"];
        tensors["cls.seq_relationship.weight"] = zeros(2, 16);
        using BertModel other = Read(golden, tensors);
        var sequence = new MaskedSequence(new[] { 1, 2, 3 }, new[] { 1 });
        other.Predict([sequence])[0].ShouldBe(model.Predict([sequence])[0]);

        tensors["bert.encoder.layer.2.output.dense.bias"] = zeros(16);
        Should.Throw<AtelierException>(() => Read(golden, tensors)).Message.ShouldContain("layer.2.output.dense.bias");
        tensors.Remove("bert.encoder.layer.2.output.dense.bias");
        tensors.Remove("bert.encoder.layer.1.output.dense.bias");
        Should.Throw<AtelierException>(() => Read(golden, tensors)).Message.ShouldContain("layer.1.output.dense.bias");
    }

    [Theory]
    [InlineData("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"mish\"", "hidden_act 'mish' is not supported")]
    [InlineData("\"position_embedding_type\": \"absolute\"", "\"position_embedding_type\": \"relative_key\"",
        "'position_embedding_type' is \"relative_key\", which is not supported")]
    [InlineData("\"use_cache\": true", "\"embedding_size\": 8", "the key 'embedding_size' with the value 8")]
    [InlineData("\"num_attention_heads\": 4", "\"num_attention_heads\": 3", "3 heads do not divide a width of 16")]
    [InlineData("\"vocab_size\": 37", "\"vocab_size\": 1000000000", "the vocabulary size is 1000000000")]
    [InlineData("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1",
        "does not belong to the shape in config.json")]
    [InlineData("\"max_position_embeddings\": 20", "\"max_position_embeddings\": 0", "leave no position")]
    public void A_config_that_is_wrong_is_refused_in_one_line(string before, string after, string message)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("bert");
        string text = golden.Config.Root.GetRawText();
        text.ShouldContain(before);
        using var document = JsonDocument.Parse(text.Replace(before, after));
        var file = new ConfigFile("config.json", document.RootElement.Clone());
        Should.Throw<AtelierException>(() => BertFamily.ReadModel(file, golden.Tensors(), "model.safetensors")).Message
            .ShouldContain(message);
    }

    [Fact]
    public void A_model_without_a_head_is_neither_an_infiller_nor_a_generator()
    {
        using var folder = new TemporaryFolder();
        using var model = new BertModel(Tiny, Vocabulary, Precision.Fp32, seed: 1, hasHead: false, hasPooler: true);
        model.Objectives[0].Parameters.Count.ShouldBe(model.parameters().Count() - 2); // without the pooler
        BertFamily.Write(folder["bundle"], model, CharacterTokenizer.Train(["abcdefghi"], byteFallback: false), new(),
            new MaskedTokens(null), card: "");
        using ITrainedModel loaded = new BertFamily().Load(Bundle.Open(folder["bundle"]), "cpu");
        loaded.As<IInfiller>().ShouldBeNull();
        loaded.As<IGenerator>().ShouldBeNull();
        ((BertModel)loaded.Require<MaskedTextGenerator>().Model).Pooler.ShouldNotBeNull();
        Should.Throw<AtelierException>(() => loaded.Require<MaskedTextGenerator>().Infill("a[MASK]")).Message
            .ShouldBe("the model has no head that predicts tokens");
    }

    internal static BertModel Scrambled(BertConfig config)
    {
        var model = new BertModel(config, Vocabulary, Precision.Fp32, seed: 1, padId: 1);
        FiniteDifferences.Scramble(model);
        return model;
    }

    private static BertModel Read(GoldenNetwork golden, Dictionary<string, Tensor> tensors) =>
        BertFamily.ReadModel(golden.Config, tensors, golden.Path);

    private static TextBatch MaskedBatch()
    {
        long[] inputs = [1, 2, Mask, 4, 5, 6, Mask, 1], targets = [-100, -100, 3, -100, 7, -100, 9, -100];
        return new TextBatch(tensor(inputs, 2, 4), tensor(targets, 2, 4));
    }
}
