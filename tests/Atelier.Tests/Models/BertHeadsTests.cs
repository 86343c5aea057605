using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Data.Labelled;
using Atelier.Data.Tagged;
using Atelier.Data.Text;
using Atelier.Formats;
using Atelier.Models.Bert;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Labelled;
using Atelier.Tasks.Tagged;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

/// <summary>BERTs with a head for tags, or for labels of texts.</summary>
public sealed class BertHeadsTests
{
    private const int Vocabulary = 11;

    private static readonly BertConfig Tiny = new()
    {
        LayerCount = 2, HeadCount = 2, HiddenSize = 8, FeedForwardSize = 12, ContextLength = 12, Dropout = 0,
        AttentionDropout = 0,
    };

    private static readonly string[] Labels = ["a", "b", "c"];

    public static TheoryData<BertHead, BertLayout> Heads { get; } = new()
    {
        { BertHead.Tagging, BertLayout.Bert }, { BertHead.Tagging, BertLayout.Roberta },
        { BertHead.Classification, BertLayout.Bert }, { BertHead.Classification, BertLayout.Roberta },
    };

    [Theory]
    [InlineData(BertHead.Tagging)]
    [InlineData(BertHead.Classification)]
    public void Logits_are_a_linear_map_of_the_states_that_hugging_faces_code_computed(BertHead head)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("bert");
        Dictionary<string, Tensor> tensors = golden.Tensors();
        bool tags = head == BertHead.Tagging;
        double[] weights = [.. Enumerable.Range(0, 3 * 16).Select(i => Math.Sin(i))], biases = [0.1, -0.2, 0.3];
        tensors["classifier.weight"] = tensor(weights, 3, 16, dtype: ScalarType.Float32);
        tensors["classifier.bias"] = tensor(biases, dtype: ScalarType.Float32);
        using BertClassifier model = BertFamily.ReadClassifier(
            With(golden.Config, tags ? "BertForTokenClassification" : "BertForSequenceClassification"), tensors,
            golden.Path);
        using var evaluation = new EvaluationMode(model);
        Tensor mask = golden.Input("attention_mask");
        Tensor hidden =
            model.Encoder.Encode(golden.Input("input_ids"), mask.EqualTo(0), golden.Input("token_type_ids"));
        float[] logits = model.Logits(hidden).contiguous().data<float>().ToArray();
        double[][] states = [.. Rows(golden.Output(tags ? "last_hidden_state" : "pooler_output"))];
        long[] counts = tags ? mask.data<long>().ToArray() : [.. states.Select(_ => 1L)];
        logits.Length.ShouldBe(states.Length * 3);
        for (int row = 0; row < states.Length; row++)
        {
            for (int label = 0; label < 3 && counts[row] != 0; label++)
                ((double)logits[(row * 3) + label]).ShouldBe(
                    biases[label] + states[row].Select((x, i) => x * weights[(label * 16) + i]).Sum(), 2e-4);
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Gradients_equal_finite_differences(BertHead head, BertLayout layout)
    {
        using BertClassifier model = Scrambled(head, layout);
        model.to(ScalarType.Float64);
        using LabelledBatch batch = Batch(head);
        FiniteDifferences.ShouldMatchGradients(model, () => model.Loss(batch));
    }

    [Fact]
    public void The_loss_of_a_tagger_is_that_of_the_first_tokens_of_words_without_padding()
    {
        using BertClassifier model = Scrambled(BertHead.Tagging, BertLayout.Bert);
        using LabelledBatch batch = Batch(BertHead.Tagging);
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        model.eval();
        double nats = 0;
        int count = 0;
        long[] targets = batch.Targets.data<long>().ToArray();
        foreach ((int row, int[] tokens) in ((int[][])[[1, 2, 3, 4], [5, 6]]).Index())
        {
            float[] logits = model.Predict([tokens], CancellationToken.None)[0]; // each row by itself, without padding
            for (int t = 0; t < tokens.Length; t++)
            {
                if (targets[(row * 4) + t] < 0)
                    continue;
                float[] own = logits[(t * 3)..((t * 3) + 3)];
                nats += Math.Log(own.Sum(logit => Math.Exp(logit))) - own[targets[(row * 4) + t]];
                count++;
            }
        }
        model.Loss(batch).ToSingle().ShouldBe((float)(nats / count), 1e-4f);
        model.Evaluate(batch)["loss"].ShouldBe(nats / count, 1e-4);
    }

    [Fact]
    public void Words_are_divided_among_parts_and_each_has_the_place_of_its_first_token()
    {
        WordPieceTokenizer tokenizer = WordPieceTokenizer.Train(
            Enumerable.Repeat("the cat sat on mats", 50), 40);
        var tokens = new MaskedTokens(null) { BeginId = tokenizer.Special.Begin, EndId = tokenizer.Special.End };
        string[] words = ["the", "catsat", "\u0007", "on", "s" + string.Concat(Enumerable.Repeat("at", 15)), "mats",
            "the"];
        WordTokens[] parts = [.. WordTokens.Of(words, tokenizer, tokens, longest: 8)];
        parts.Sum(part => part.Places.Length).ShouldBe(words.Length);
        foreach (WordTokens part in parts)
        {
            part.Tokens.Length.ShouldBeLessThanOrEqualTo(8);
            (part.Tokens[0], part.Tokens[^1]).ShouldBe((tokens.BeginId!.Value, tokens.EndId!.Value));
        }
        int[] firsts = [.. parts.SelectMany(part => part.Places.Select(place => part.Tokens[place]))];
        firsts.ShouldBe([.. words.Select(word => tokenizer.Encode(word) is [var first, ..] ? first
            : tokenizer.Special.Unknown!.Value)]);
        WordTokens.Of([], tokenizer, tokens, 8).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Given_a_head_when_written_and_loaded_then_it_is_the_same_model(BertHead head, BertLayout layout)
    {
        using var folder = new TemporaryFolder();
        using BertClassifier model = Scrambled(head, layout);
        CharacterTokenizer tokenizer = CharacterTokenizer.Train(["abcdefghi"], byteFallback: false);
        var tokens = new MaskedTokens(null) { BeginId = 0, EndId = 0, PadId = 1 };
        BertHeads.Write(folder["bundle"], model, tokenizer, tokens, TagColumn.Xpos, card: "");
        var bundle = Bundle.Open(folder["bundle"]);
        JsonElement config = ConfigFile.Read(bundle.ConfigPath).Root;
        config.GetProperty("architectures")[0].GetString().ShouldBe((layout == BertLayout.Bert ? "Bert" : "Roberta")
            + (head == BertHead.Tagging ? "ForTokenClassification" : "ForSequenceClassification"));
        config.GetProperty("id2label").GetProperty("1").GetString().ShouldBe("b");
        config.GetProperty("label2id").GetProperty("c").GetInt32().ShouldBe(2);
        using var scope = NewDisposeScope();
        string name = head == BertHead.Classification && layout == BertLayout.Roberta ? "classifier.out_proj"
            : "classifier";
        IReadOnlyDictionary<string, Tensor> written = BundleTensors.Read(bundle);
        written[name + ".weight"].shape.ShouldBe([3, 8]);
        written[name + ".bias"].shape.ShouldBe([3]);
        written.Keys.Count(key => key.StartsWith("classifier", StringComparison.Ordinal)
            || key.StartsWith(layout == BertLayout.Bert ? "bert." : "roberta.", StringComparison.Ordinal))
            .ShouldBe(written.Count);
        using ITrainedModel loaded = new BertFamily().Load(bundle, "cpu");
        int[] sequence = [1, 2, 3];
        BertClassifier copy;
        if (head == BertHead.Tagging)
        {
            loaded.Require<ITagger>().Column.ShouldBe(TagColumn.Xpos);
            loaded.Require<ITagger>().Tags.ShouldBe(Labels);
            copy = ((BertTagger)loaded).Network;
        }
        else
        {
            loaded.Require<ITextClassifier>().Labels.ShouldBe(Labels);
            copy = ((BertTextClassifier)loaded).Network;
        }
        copy.Predict([sequence], CancellationToken.None)[0]
            .ShouldBe(model.Predict([sequence], CancellationToken.None)[0]);
    }

    [Fact]
    public void Sequences_predicted_together_are_as_by_themselves_and_long_sentences_keep_all_words()
    {
        string[] letters = [.. Enumerable.Range(0, 40).Select(i => "" + (char)('a' + (i % 9)))];
        string[][] sentences = [["a", "b"], letters, [], ["c"]];
        using var spaced = new BertTagger(Scrambled(BertHead.Tagging, BertLayout.Bert, vocabulary: 12),
            CharacterTokenizer.Train(["abcdefghi "], byteFallback: false), new MaskedTokens(null) { PadId = 1 },
            TagColumn.Upos);
        var together = ((ITagger)spaced).TagAll(sentences);
        for (int i = 0; i < sentences.Length; i++)
        {
            together[i].Tags.Count.ShouldBe(sentences[i].Length);
            together[i].Tags.ShouldBe(spaced.Tag(sentences[i]).Tags);
            together[i].LogLikelihood.ShouldBeNull();
        }
        spaced.Tag(["a", "b"], new Dictionary<int, string> { [1] = "c" }).Tags[1].ShouldBe("c");
        Should.Throw<AtelierException>(() => spaced.Tag(["a"], new Dictionary<int, string> { [0] = "Q" })).Message
            .ShouldContain("no tag 'Q'");
        Should.Throw<AtelierException>(() => spaced.Tag(["a"], new Dictionary<int, string> { [3] = "a" })).Message
            .ShouldContain("no word at position 3");
    }

    [Theory]
    [InlineData("\"id2label\": {\"0\": \"x\", \"1\": \"y\"}", "has 3 rows, but config.json names 2 labels")]
    [InlineData("\"num_labels\": 5", "has 3 rows, but config.json names 5 labels")]
    [InlineData("\"use_cache\": true", "has 3 rows, but config.json names 2 labels")]
    [InlineData("\"id2label\": {\"0\": \"x\", \"2\": \"y\", \"1\": \"x\"}", "different labels, numbered from 0")]
    [InlineData("\"id2label\": {\"0\": \"x\", \"1\": \"y\", \"2\": \"z\"}, "
        + "\"label2id\": {\"x\": 1, \"y\": 0, \"z\": 2}", "label2id contradicts id2label")]
    [InlineData("\"problem_type\": \"regression\"", "problem_type 'regression' is not supported")]
    public void A_head_that_does_not_match_its_configuration_is_refused_in_one_line(string keys, string message)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("bert");
        Dictionary<string, Tensor> tensors = golden.Tensors();
        (tensors["classifier.weight"], tensors["classifier.bias"]) = (zeros(3, 16), zeros(3));
        AtelierException error = Should.Throw<AtelierException>(() => BertFamily.ReadClassifier(
            With(golden.Config, "BertForTokenClassification", keys), tensors, golden.Path));
        error.ToLine().ShouldContain(message);
        error.ToLine().ShouldNotContain("\n");
        tensors.Remove("classifier.bias");
        Should.Throw<AtelierException>(() => BertFamily.ReadClassifier(With(golden.Config, "BertForTokenClassification",
            "\"id2label\": {\"0\": \"x\", \"1\": \"y\", \"2\": \"z\"}"), tensors, golden.Path)).Message
            .ShouldContain("the tensor classifier.bias is missing");
    }

    internal static BertClassifier Scrambled(BertHead head, BertLayout layout, int vocabulary = Vocabulary)
    {
        var model = new BertClassifier(Tiny with { Layout = layout }, vocabulary, head, Labels, Precision.Fp32, seed: 1,
            padId: 1);
        FiniteDifferences.Scramble(model);
        return model;
    }

    /// <summary>Two sequences of four and of two tokens.</summary>
    private static LabelledBatch Batch(BertHead head)
    {
        const long none = TextBatch.NotCounted;
        LabelledSequence[] sequences = head == BertHead.Tagging
            ? [new([1, 2, 3, 4], [none, 2, none, 0]), new([5, 6], [1, none])]
            : [new([1, 2, 3, 4], [2]), new([5, 6], [0])];
        var batches = new LabelledBatches(sequences, padId: 1, tokensPerBatch: 8, seed: 1, shuffled: false);
        batches.BatchesPerEpoch.ShouldBe(1);
        LabelledBatch batch = batches.Get(0);
        batch.Padding.ShouldNotBeNull();
        batch.Padding.data<bool>().ToArray()[3].ShouldBeTrue(); // sorted by length
        return new LabelledBatch(batch.Inputs.flip(0), batch.Padding.flip(0), batch.Targets.flip(0));
    }

    private static IEnumerable<double[]> Rows(JsonElement element) =>
        element[0].ValueKind == JsonValueKind.Number ? [[.. element.EnumerateArray().Select(v => v.GetDouble())]]
            : element.EnumerateArray().SelectMany(Rows);

    private static ConfigFile With(ConfigFile config, string architecture, string? keys = null)
    {
        string text = config.Root.GetRawText().Replace("\"BertModel\"", $"\"{architecture}\"");
        keys ??= "\"id2label\": {\"0\": \"x\", \"1\": \"y\", \"2\": \"z\"}";
        using var document = JsonDocument.Parse(text.Replace("\"use_cache\": true", keys));
        return new ConfigFile("config.json", document.RootElement.Clone());
    }
}
