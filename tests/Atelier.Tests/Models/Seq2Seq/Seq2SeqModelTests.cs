using Atelier.Abstractions;
using Atelier.Data.Pairs;
using Atelier.Data.Text;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Models.Seq2Seq;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Seq2Seq;

public sealed class Seq2SeqModelTests
{
    private const int Letters = 6, Longest = 6;

    private static readonly Seq2SeqConfig Tiny = new()
    {
        HiddenSize = 8, EmbeddingSize = 6, ContextLength = 16, Dropout = 0,
    };

    [Theory]
    [InlineData(CellName.Gru, Seq2SeqAttention.Multiplicative, false, 300)]
    [InlineData(CellName.Lstm, Seq2SeqAttention.Additive, true, 400)]
    public void Given_random_sequences_when_trained_then_a_tiny_model_reverses_sequences_it_has_not_seen(CellName cell,
        Seq2SeqAttention attention, bool feeding, int steps)
    {
        Seq2SeqConfig config = Tiny with
        {
            Cell = cell, Attention = attention, InputFeeding = feeding, HiddenSize = 32, EmbeddingSize = 16,
        };
        using var model = new Seq2SeqModel(config, null, Letters + 1, Precision.Fp32, seed: 1);
        using var optimizer = new PlainAdam(model);
        var random = new Random(5);
        for (int step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            using PairBatch batch = Reversals(random, rows: 32);
            optimizer.Step(model.Loss(batch), learningRate: 0.01);
        }
        using PairBatch unseen = Reversals(random, rows: 64);
        model.Evaluate(unseen)["accuracy"].ShouldBeGreaterThan(0.97);
    }

    [Fact]
    public void Given_sources_of_unequal_length_then_each_is_reversed_within_its_own_length()
    {
        using var scope = NewDisposeScope();
        Tensor padding = tensor(
            new[] { false, false, false, false, false, false, false, true, false, true, true, true }, 3, 4);
        EncoderLayer.LastToken(padding).data<long>().ToArray().ShouldBe([3L, 2, 0]);
        long[] order = EncoderLayer.Reversal(padding).data<long>().ToArray();
        order.ShouldBe([3L, 2, 1, 0, 6, 5, 4, 7, 8, 9, 10, 11]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Given_a_bundle_when_loaded_then_the_model_and_its_scores_are_the_same(bool sharesVocabulary)
    {
        using var folder = new TemporaryFolder();
        var tokenizer = CharacterTokenizer.Train(["abcdef"], byteFallback: false);
        var source = sharesVocabulary ? tokenizer : CharacterTokenizer.Train(["uvwxyzabc"], byteFallback: false);
        Seq2SeqConfig config = Tiny with { Cell = CellName.Lstm, DecoderLayerCount = 2, TieHead = sharesVocabulary };
        using var model = new Seq2SeqModel(config, sharesVocabulary ? null : source.VocabularySize,
            tokenizer.VocabularySize, Precision.Fp32, seed: 3);
        FiniteDifferences.Scramble(model);
        SequenceEnds ends = SequenceEnds.Of(source, tokenizer);
        var decoding = new DecodingOptions { BeamWidth = 3, Temperature = 0 };
        var family = new Seq2SeqFamily();
        family.Write(folder["bundle"], model, source, tokenizer, decoding, ends, card: "");

        using ITrainedModel loaded = family.Load(Bundle.Open(folder["bundle"]), "cpu");
        SequenceToSequenceGenerator generator = loaded.Require<SequenceToSequenceGenerator>();
        var read = (Seq2SeqModel)generator.Model;
        read.state_dict().Keys.ShouldBe(ModuleTensors.Distinct(read).Keys); // each weight is written once
        read.Config.ShouldBe(config);
        generator.Defaults.BeamWidth.ShouldBe(3);
        (ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target)[] pairs = [(new[] { 1, 2, 3 }, new[] { 0, 4, 2, 0 })];
        read.Score(pairs)[0].ShouldBe(model.Score(pairs)[0]);
    }

    [Theory]
    [InlineData("\"hidden_size\": 8", "\"hidden_size\": 4096", "weights")]
    [InlineData("\"cell\": \"gru\"", "\"cell\": \"lstm\"", "encoder.0.forward.weight_ih")]
    [InlineData("\"attention\": \"multiplicative\"", "\"attention\": \"dot\"", "attention.key.weight")]
    [InlineData("\"coverage\": false", "\"coverage\": true", "coverage")]
    [InlineData("\"input_feeding\": false", "\"input_feeding\": true", "decoder.0.weight_ih")]
    [InlineData("\"dropout\"", "\"zoneout\": 0.1, \"dropout\"", "zoneout")]
    public void Given_a_config_that_does_not_match_the_weights_when_loaded_then_it_is_refused_by_name(string written,
        string changed, string named)
    {
        using var folder = new TemporaryFolder();
        var tokenizer = CharacterTokenizer.Train(["abcdef"], byteFallback: false);
        using var model = new Seq2SeqModel(Tiny, null, tokenizer.VocabularySize, Precision.Fp32, seed: 3);
        var family = new Seq2SeqFamily();
        family.Write(folder["bundle"], model, tokenizer, tokenizer, new DecodingOptions(),
            SequenceEnds.Of(tokenizer, tokenizer), card: "");
        Bundle bundle = Bundle.Open(folder["bundle"]);
        string text = File.ReadAllText(bundle.ConfigPath);
        text.ShouldContain(written);
        File.WriteAllText(bundle.ConfigPath, text.Replace(written, changed, StringComparison.Ordinal));
        Should.Throw<AtelierException>(() => family.Load(bundle, "cpu")).Message.ShouldContain(named);
    }

    [Fact]
    public void Given_sizes_or_attention_that_do_not_fit_then_the_configuration_is_refused()
    {
        Should.Throw<AtelierException>(() => (Tiny with { HiddenSize = 7 }).Check()).Where.ShouldBe("model.hiddenSize");
        Should.Throw<AtelierException>(() => (Tiny with { Coverage = true }).Check()).Where.ShouldBe("model.coverage");
        (Tiny with { HiddenSize = 7, Bidirectional = false }).Check();
    }

    [Fact]
    public async Task Given_no_attention_when_alignments_are_wanted_then_the_request_is_refused()
    {
        var tokenizer = CharacterTokenizer.Train(["abcdef"], byteFallback: false);
        using var generator = new SequenceToSequenceGenerator(new Seq2SeqModel(
            Tiny with { Attention = Seq2SeqAttention.None }, null, tokenizer.VocabularySize, Precision.Fp32, seed: 3),
            tokenizer, tokenizer, new DecodingOptions { MaxTokens = 4 }, new SequenceToSequenceTokens(0, [0]));
        var error = await Should.ThrowAsync<AtelierException>(() => generator.GenerateManyAsync(["abc"],
            new GenerationRequest { Alignments = true }, cancellation: TestContext.Current.CancellationToken));
        error.Message.ShouldContain("alignments");
    }

    /// <summary>Random sequences of letters as sources, and the same backwards as targets; 0 starts, ends and
    /// pads.</summary>
    private static PairBatch Reversals(Random random, int rows)
    {
        const int width = Longest + 1;
        long[] source = new long[rows * width], inputs = new long[rows * width], targets = new long[rows * width];
        bool[] padding = new bool[rows * width];
        Array.Fill(padding, true);
        Array.Fill(targets, TextBatch.NotCounted);
        for (int row = 0; row < rows; row++)
        {
            int length = random.Next(2, Longest + 1), at = row * width;
            for (int i = 0; i < length; i++)
            {
                long letter = random.Next(1, Letters + 1);
                (source[at + i], targets[at + length - 1 - i], inputs[at + length - i]) = (letter, letter, letter);
            }
            targets[at + length] = 0;
            padding.AsSpan(at, length + 1).Clear();
        }
        Tensor Table(long[] ids) => tensor(ids, rows, width);
        return new PairBatch(Table(source), tensor(padding, rows, width), Table(inputs), Table(targets));
    }
}
