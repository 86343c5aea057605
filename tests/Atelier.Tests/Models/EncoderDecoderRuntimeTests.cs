using Atelier.Abstractions;
using Atelier.Data.Pairs;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Models.T5;
using Atelier.Models.Transformer;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tokenizers;

namespace Atelier.Tests.Models;

/// <summary>Bundles of encoder-decoders write the same targets without libtorch.</summary>
public sealed class EncoderDecoderRuntimeTests
{
    private static readonly CharacterTokenizer Letters =
        CharacterTokenizer.Train(["abcdefghijklmnopqrstuvwxyz "], byteFallback: false);

    private static readonly CharacterTokenizer Digits = CharacterTokenizer.Train(["0123456789"], byteFallback: false);

    private static readonly string[] Sources = ["a cat sat", "on", "the mat with a long tail", "dogs run", "x"];

    [Theory]
    [InlineData("marian")]
    [InlineData("bart")]
    [InlineData("norms first")]
    [InlineData("two vocabularies")]
    [InlineData("t5")]
    [InlineData("flan")]
    public async Task A_bundle_writes_the_targets_that_the_network_which_wrote_it_writes(string name)
    {
        using var folder = new TemporaryFolder();
        using ITrainedModel trained = Write(folder["bundle"], name);
        var generator = (SequenceToSequenceGenerator)trained;
        using ITrainedModel opened = new Workshop().Open(folder["bundle"]);
        var managed = opened.ShouldBeOfType<SequenceToSequenceGenerator>();
        managed.Model.ShouldBeOfType<EncoderDecoder>();
        var request = new GenerationRequest
        {
            Alignments = true, Decoding = new() { BeamWidth = 3, MaxTokens = 8, Temperature = 0 },
        };
        IReadOnlyList<TextSample> expected = await generator.GenerateManyAsync(Sources, request);
        IReadOnlyList<TextSample> actual = await managed.GenerateManyAsync(Sources, request);
        actual.Select(sample => sample.Text).ShouldBe(expected.Select(sample => sample.Text));
        for (int i = 0; i < Sources.Length; i++)
        {
            actual[i].LogProbability!.Value.ShouldBe(expected[i].LogProbability!.Value, 1e-3);
            foreach ((ReadOnlyMemory<float> own, ReadOnlyMemory<float> other) in
                actual[i].Alignments!.Weights.Zip(expected[i].Alignments!.Weights))
                own.ToArray().ShouldBe(other.ToArray(), 1e-4);
        }
    }

    [Theory]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.Q8_0)]
    public void In_fewer_bits_the_loss_of_targets_stays_close(WeightType type)
    {
        using var folder = new TemporaryFolder();
        using ITrainedModel trained = Write(folder["bundle"], "marian");
        var generator = (SequenceToSequenceGenerator)trained;
        using SequenceToSequenceGenerator managed = SequenceToSequenceFile.Open(folder["bundle"], type);
        (ReadOnlyMemory<int>, ReadOnlyMemory<int>)[] pairs = [.. Sources.Select(text =>
            ((ReadOnlyMemory<int>)generator.EncodeSource(text), (ReadOnlyMemory<int>)generator.EncodeSource(text)))];
        double exact = Loss(generator.Model), rounded = Loss(managed.Model);
        rounded.ShouldBe(exact, 0.02 * exact);

        double Loss(ISequenceToSequenceModel model) =>
            -model.Score(pairs).SelectMany(row => row).Average(score => score.LogProbability);
    }

    /// <summary>Writes a network with random weights as a bundle, and returns it as the training library's.</summary>
    private static ITrainedModel Write(string folder, string name)
    {
        SequenceEnds ends = SequenceEnds.Of(Letters, Letters);
        var decoding = new DecodingOptions();
        int size = Letters.VocabularySize;
        if (name is "t5" or "flan")
        {
            var config = new T5Config
            {
                Layout = name == "t5" ? T5Layout.T5 : T5Layout.Flan, EncoderLayerCount = 2, DecoderLayerCount = 2,
                HeadCount = 2, HiddenSize = 32, FeedForwardSize = 48, ContextLength = 64, RelativeBuckets = 8,
                RelativeDistance = 12,
            };
            using var model = new T5Model(config, size, Precision.Fp32, seed: 3);
            new T5Family().Write(folder, model, Letters, Letters, decoding, ends, card: "");
            return new T5Family().Load(Bundle.Open(folder), "cpu");
        }
        bool isOwn = name == "norms first", hasTwo = name == "two vocabularies";
        var shape = new TransformerConfig
        {
            Layout = name == "bart" ? TransformerLayout.Bart : TransformerLayout.Marian, EncoderLayerCount = 2,
            DecoderLayerCount = 2, HeadCount = 2, HiddenSize = 32, FeedForwardSize = 64, ContextLength = 64,
            NormFirst = isOwn, Activation = isOwn ? ActivationName.Silu : null, TieHead = !isOwn,
        };
        using var network = new TransformerModel(shape, hasTwo ? size : null,
            hasTwo ? Digits.VocabularySize : size, Precision.Fp32, seed: 3);
        Tokenizer target = hasTwo ? Digits : Letters;
        ends = SequenceEnds.Of(Letters, target) with { SourcePrefix = isOwn ? "to x " : "" };
        new TransformerFamily().Write(folder, network, Letters, target, decoding, ends, card: "");
        return new TransformerFamily().Load(Bundle.Open(folder), "cpu");
    }
}
