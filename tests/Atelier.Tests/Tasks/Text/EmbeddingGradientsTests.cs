using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Models.Bert;
using Atelier.Models.Gpt;
using Atelier.Models.Rnn;
using Atelier.Models.Seq2Seq;
using Atelier.Models.T5;
using Atelier.Models.Transformer;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tests.Models;
using Atelier.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Tasks.Text;

/// <summary>Attributions by gradients against finite differences, sums, and numbers that PyTorch computed.</summary>
public sealed class EmbeddingGradientsTests
{
    private const int Vocabulary = 13, Sources = 9;
    private static readonly int[] Source = [2, 8, 5, 1, 7], Target = [3, 12, 6, 0];

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("plain")]
    [InlineData("lstm")]
    [InlineData("gru")]
    [InlineData("bert")]
    [InlineData("transformer")]
    [InlineData("t5")]
    [InlineData("seq2seq-lstm")]
    [InlineData("seq2seq-gru")]
    public void Derivatives_are_those_of_finite_differences_for_each_token(string name)
    {
        using nn.Module network = Network(name);
        var model = (IEmbeddingGradients)network;
        bool isPair = network is ISequenceToSequenceModel;
        int[] text = isPair ? Source : Target, target = isPair ? Target : [];
        int query = 2;
        TokenPlace[] all = [.. text.Select((_, i) => new TokenPlace(false, i)),
            .. target.Select((_, i) => new TokenPlace(true, i))];
        int[] numbers = [.. all.Where(one => isPair || network is BertModel || one.Position <= query)
            .Where(one => !one.IsTarget || one.Position <= query).Select(one => Array.IndexOf(all, one))];
        foreach (int number in numbers)
        {
            var prediction = new DifferentiatedPrediction(text, target, query, Token: 4, [all[number]]);
            const double at = 0.6, step = 0.005;
            IReadOnlyList<EmbeddingGradient> values = model.Differentiate(prediction,
                [at - (2 * step), at - step, at + step, at + (2 * step), at]);
            double[] logs = [.. values.Select(value => value.LogProbability)];
            // the difference of fourth order, whose error is below that of rounding
            double expected = (logs[0] - (8 * logs[1]) + (8 * logs[2]) - logs[3]) / (12 * step);
            double actual = values[4].AlongTokens[0] - values[4].AlongBaseline[0];
            actual.ShouldBe(expected, 2e-4 + (2e-3 * Math.Abs(expected)), $"token {number}");
            actual.ShouldNotBe(0, $"token {number} has an effect");
        }
        // later tokens have none where the model does not see them
        if (!isPair && network is not BertModel)
            model.Differentiate(new(text, [], query, 4, [all[^1]]), [0.5])[0].AlongTokens[0].ShouldBe(0);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("lstm")]
    [InlineData("transformer")]
    public void At_the_text_the_probability_is_the_one_that_the_model_scores(string name)
    {
        using nn.Module network = Network(name);
        double scored = network is ISequenceToSequenceModel pairs
            ? pairs.Score([((ReadOnlyMemory<int>)Source, (ReadOnlyMemory<int>)Target)])[0][^1].LogProbability
            : ((ILanguageModel)network).Score([Target])[0][^1].LogProbability;
        int[] text = network is ISequenceToSequenceModel ? Source : Target[..^1];
        int[] target = network is ISequenceToSequenceModel ? Target[..^1] : [];
        ((IEmbeddingGradients)network).Differentiate(new(text, target, 2, Target[^1], [new(false, 0)]), [1])[0]
            .LogProbability.ShouldBe(scored, 1e-5);
    }

    [Fact]
    public void Attributions_are_those_of_PyTorch()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork("integrated-gradients");
        using var document = JsonDocument.Parse(File.ReadAllBytes(golden.Path));
        JsonElement root = document.RootElement;
        using var model = new GptModel(GptConfigFile.Read(golden.Config), 11, Precision.Fp32, seed: 0);
        GptWeights.Import(model, golden.Tensors().ToDictionary(one => one.Key,
            one => one.Value * root.GetProperty("scale").GetInt32()), golden.Path);
        int[] ids = [.. golden.Input("ids").data<long>().ToArray().Select(id => (int)id)];
        var digits = CharacterTokenizer.Train(["0123456789"], byteFallback: false);
        digits.Encode(digits.Decode(ids)).ShouldBe(ids);
        using var generator = new TextGenerator(model, digits, new DecodingOptions(), startId: ids[0]);
        string text = digits.Decode([.. ids[1..], root.GetProperty("token").GetInt32()]);
        TextExplanation explanation = generator.ExplainText(new(text)
        {
            Token = ids.Length, Methods = Enum.GetValues<AttributionMethod>(),
        });
        ExplainedPrediction prediction = explanation.Prediction!;
        double[] Numbers(string name) =>
            [.. golden.Output(name).EnumerateArray().Select(value => value.GetDouble())];
        double[] ends = Numbers("ends");
        prediction.Token.LogProbability.ShouldBe(ends[1], 1e-4);
        Completeness sum = prediction.Attributions[1].Completeness!;
        sum.Change.ShouldBe(ends[1] - ends[0], 1e-4);
        sum.Error.ShouldBeLessThan(0.01);
        foreach ((AttributionMethod method, string name) in new[]
            { (AttributionMethod.IntegratedGradients, "integrated_gradients"),
              (AttributionMethod.GradientTimesInput, "gradient_times_input") })
        {
            IReadOnlyList<TokenEffect> effects = prediction.Effects(method);
            effects.Select(one => one.Position).ShouldBe(Enumerable.Range(1, ids.Length - 1));
            foreach ((TokenEffect effect, double expected) in effects.Zip(Numbers(name)))
                effect.Effect.ShouldBe(expected, 1e-4, $"{name} of token {effect.Position}");
        }
    }

    private static nn.Module Network(string name)
    {
        const int size = 8;
        nn.Module model = name switch
        {
            "gpt2" => new GptModel(new() { LayerCount = 2, HeadCount = 2, HiddenSize = size, ContextLength = 12 },
                Vocabulary, Precision.Fp32, seed: 1),
            "llama" => new GptModel(new() { Layout = GptLayout.Llama, LayerCount = 2, HeadCount = 4,
                KeyValueHeadCount = 2, HiddenSize = 16, FeedForwardSize = 24, ContextLength = 12 }, Vocabulary,
                Precision.Fp32, seed: 1),
            "bert" => new BertModel(new() { LayerCount = 2, HeadCount = 2, HiddenSize = size, FeedForwardSize = 12,
                ContextLength = 12 }, Vocabulary, Precision.Fp32, seed: 1),
            "transformer" => new TransformerModel(new() { EncoderLayerCount = 1, DecoderLayerCount = 1, HeadCount = 2,
                HiddenSize = size, FeedForwardSize = 12, ContextLength = 12 }, Sources, Vocabulary, Precision.Fp32,
                seed: 1),
            "t5" => new T5Model(new() { Layout = T5Layout.Flan, EncoderLayerCount = 1, DecoderLayerCount = 1,
                HeadCount = 2, HiddenSize = size, FeedForwardSize = 12, ContextLength = 12, RelativeBuckets = 8,
                RelativeDistance = 12 }, Vocabulary,
                Precision.Fp32, seed: 1),
            "seq2seq-lstm" => new Seq2SeqModel(new() { Cell = CellName.Lstm, HiddenSize = size, EmbeddingSize = 6,
                ContextLength = 12, Attention = Seq2SeqAttention.Additive, InputFeeding = true }, Sources, Vocabulary,
                Precision.Fp32, seed: 1),
            "seq2seq-gru" => new Seq2SeqModel(new() { Cell = CellName.Gru, HiddenSize = size, EmbeddingSize = 6,
                ContextLength = 12 }, Sources, Vocabulary, Precision.Fp32, seed: 1),
            _ => new RnnModel(new() { Cell = Enum.Parse<CellName>(name, ignoreCase: true), EmbeddingSize = 6,
                HiddenSize = size, LayerCount = 2 }, Vocabulary, Precision.Fp32, seed: 1),
        };
        FiniteDifferences.Scramble(model);
        return model; // in training mode, which must change nothing
    }
}
