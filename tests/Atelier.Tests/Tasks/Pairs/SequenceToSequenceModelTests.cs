using Atelier.Abstractions;
using Atelier.Data.Pairs;
using Atelier.Data.Text;
using Atelier.Models.Seq2Seq;
using Atelier.Models.T5;
using Atelier.Models.Transformer;
using Atelier.Networks;
using Atelier.Tasks.Pairs;
using Atelier.Tensors;
using Atelier.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Tasks.Pairs;

/// <summary>What every network that reads one sequence and writes another must hold.</summary>
public sealed class SequenceToSequenceModelTests
{
    private const int Sources = 9, Vocabulary = 11, Longest = 12;
    private const string Unaligned = "recurrent, no attention";

    private static readonly int[][] SomeSources = [[1, 2, 3, 4, 5], [8, 7, 6], [4]];

    private static readonly TransformerConfig Tiny = new()
    {
        EncoderLayerCount = 2, DecoderLayerCount = 2, HeadCount = 2, HiddenSize = 8, FeedForwardSize = 12,
        ContextLength = Longest, Dropout = 0,
    };

    private static readonly T5Config TinyT5 = new()
    {
        EncoderLayerCount = 2, DecoderLayerCount = 2, HeadCount = 2, HiddenSize = 8, FeedForwardSize = 12,
        ContextLength = Longest, RelativeBuckets = 8, RelativeDistance = 7, Dropout = 0,
    };

    private static readonly Seq2SeqConfig Recurrent = new()
    {
        HiddenSize = 8, EmbeddingSize = 6, ContextLength = Longest, Dropout = 0,
    };

    /// <summary>The networks by name.</summary>
    private static readonly Dictionary<string, Func<SequenceToSequenceModel>> Networks = new()
    {
        ["original"] = () => new TransformerModel(Tiny, Sources, Vocabulary, Precision.Fp32, seed: 1),
        ["bart"] = () => new TransformerModel(Tiny with { Layout = TransformerLayout.Bart }, null, Vocabulary,
            Precision.Fp32, seed: 1),
        ["pre-norm"] = () => new TransformerModel(Tiny with { NormFirst = true, TieHead = false }, Sources, Vocabulary,
            Precision.Fp32, seed: 1),
        ["t5"] = () => new T5Model(TinyT5, Vocabulary, Precision.Fp32, seed: 1),
        ["t5 1.1"] = () => new T5Model(TinyT5 with { Layout = T5Layout.Flan, HeadSize = 3 }, Vocabulary, Precision.Fp32,
            seed: 1),
        ["recurrent, multiplicative"] = () => new Seq2SeqModel(Recurrent with { EncoderLayerCount = 2 }, Sources,
            Vocabulary, Precision.Fp32, seed: 1),
        ["recurrent, dot, fed"] = () => new Seq2SeqModel(Recurrent with { Cell = CellName.Plain,
            Attention = Seq2SeqAttention.Dot, InputFeeding = true, TieHead = false }, null, Vocabulary,
            Precision.Fp32, seed: 1),
        ["recurrent, additive, fed, coverage"] = () => new Seq2SeqModel(Recurrent with { Cell = CellName.Lstm,
            DecoderLayerCount = 2, Bidirectional = false, Attention = Seq2SeqAttention.Additive, InputFeeding = true,
            Coverage = true }, Sources, Vocabulary, Precision.Fp32, seed: 1),
        ["recurrent, additive"] = () => new Seq2SeqModel(Recurrent with { Attention = Seq2SeqAttention.Additive }, null,
            Vocabulary, Precision.Fp32, seed: 1),
        [Unaligned] = () => new Seq2SeqModel(Recurrent with { Attention = Seq2SeqAttention.None }, Sources, Vocabulary,
            Precision.Fp32, seed: 1),
    };

    public static TheoryData<string> Names { get; } = [.. Networks.Keys];

    public static TheoryData<string> Aligned { get; } = [.. Networks.Keys.Where(name => name != Unaligned)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Given_caches_when_tokens_come_in_pieces_then_logits_equal_those_of_the_whole_target(string name)
    {
        using SequenceToSequenceModel model = Scrambled(name);
        int[] target = TextModels.RandomTokens(9, Vocabulary, 1);
        using IDecodingState state = model.CreateState([.. SomeSources.Select(s => new ReadOnlyMemory<int>(s))]);
        float[] logits = new float[SomeSources.Length * Vocabulary];
        int at = 0;
        foreach (int piece in new[] { 1, 4, 1, 3 })
        {
            int[] some = target[at..(at + piece)];
            state.Append([.. some, .. some, .. some], logits);
            at += piece;
            for (int row = 0; row < SomeSources.Length; row++)
            {
                logits[(row * Vocabulary)..((row + 1) * Vocabulary)]
                    .ShouldBeNear(Logits(model, SomeSources[row], target[..at])[^Vocabulary..], 1e-4);
            }
        }
        state.Length.ShouldBe(9);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Given_targets_when_parents_are_selected_then_each_goes_on_with_the_source_of_its_parent(string name)
    {
        using SequenceToSequenceModel model = Scrambled(name);
        using IDecodingState state = model.CreateState([SomeSources[0], SomeSources[1]]);
        state.Append([3, 5], new float[2 * Vocabulary]);
        state.Select([1, 1, 0]);
        float[] logits = new float[3 * Vocabulary];
        state.Append([3, 4, 6], logits);
        state.Sequences.ShouldBe(3);
        (int Source, int[] Target)[] expected = [(1, [5, 3]), (1, [5, 4]), (0, [3, 6])];
        foreach ((int row, (int source, int[] target)) in expected.Index())
        {
            logits[(row * Vocabulary)..((row + 1) * Vocabulary)]
                .ShouldBeNear(Logits(model, SomeSources[source], target)[^Vocabulary..], 1e-4);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Given_pairs_of_unequal_length_when_scored_then_each_has_its_own_log_softmax(string name)
    {
        using SequenceToSequenceModel model = Scrambled(name);
        int[][] targets =
            [TextModels.RandomTokens(4, Vocabulary, 4), TextModels.RandomTokens(9, Vocabulary, 5), [1, 2]];
        IReadOnlyList<TokenScore[]> scores = model.Score([.. SomeSources.Zip(targets, (source, target) =>
            ((ReadOnlyMemory<int>)source, (ReadOnlyMemory<int>)target))]);
        for (int i = 0; i < targets.Length; i++)
        {
            scores[i].Length.ShouldBe(targets[i].Length - 1);
            float[] logits = Logits(model, SomeSources[i], targets[i]);
            for (int t = 0; t + 1 < targets[i].Length; t++)
            {
                float[] row = logits[(t * Vocabulary)..((t + 1) * Vocabulary)];
                double total = Math.Log(row.Sum(x => Math.Exp(x)));
                scores[i][t].LogProbability.ShouldBe(row[targets[i][t + 1]] - total, 1e-4);
                scores[i][t].IsMostLikely.ShouldBe(row[targets[i][t + 1]] == row.Max());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Given_a_padded_batch_when_its_loss_is_computed_then_it_is_the_mean_of_the_scores(string name)
    {
        using SequenceToSequenceModel model = Scrambled(name);
        using PairBatch batch = Batch();
        using Tensor loss = model.Loss(batch);
        double[] scores = [.. model
            .Score([(SomeSources[0], new[] { 0, 1, 2, 3, 0 }), (SomeSources[1], new[] { 0, 4, 0 })])
            .SelectMany(s => s).Select(s => s.LogProbability)];
        loss.ToDouble().ShouldBe(-scores.Average(), 1e-5);
        model.Evaluate(batch)["loss"].ShouldBe(-scores.Average(), 1e-5);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Given_the_loss_when_differentiated_then_gradients_equal_finite_differences(string name)
    {
        using SequenceToSequenceModel model = Scrambled(name);
        model.to(ScalarType.Float64);
        using PairBatch batch = Batch();
        FiniteDifferences.ShouldMatchGradients(model, () => model.Loss(batch));
    }

    [Theory]
    [MemberData(nameof(Aligned))]
    public void Given_alignments_when_a_token_is_appended_then_its_attention_to_the_source_sums_to_one(string name)
    {
        using SequenceToSequenceModel model = Scrambled(name);
        using var state = (IAlignedState)model.CreateState([SomeSources[0], SomeSources[2]]);
        state.Append([1, 2], new float[2 * Vocabulary]);
        float[] weights = state.Alignments.ToArray();
        weights.Length.ShouldBe(2 * 5);
        weights[..5].Sum().ShouldBe(1, 1e-5);
        weights[5..].ShouldBe([1, 0, 0, 0, 0], 1e-6);
        state.Select([1]);
        state.Alignments.ToArray().ShouldBe([1, 0, 0, 0, 0], 1e-6);
    }

    [Fact]
    public void Given_a_source_that_is_too_long_when_encoded_then_it_is_refused()
    {
        using SequenceToSequenceModel model = Scrambled("original");
        Should.Throw<ArgumentException>(() => model.CreateState([new int[Longest + 1]]));
        Should.Throw<ArgumentException>(() => model.CreateState([ReadOnlyMemory<int>.Empty]));
    }

    private static SequenceToSequenceModel Scrambled(string name)
    {
        SequenceToSequenceModel model = Networks[name]();
        FiniteDifferences.Scramble(model);
        return model;
    }

    /// <summary>Two pairs: the second is padded on both sides.</summary>
    private static PairBatch Batch()
    {
        const long no = TextBatch.NotCounted;
        return new PairBatch(tensor(new long[] { 1, 2, 3, 4, 5, 8, 7, 6, 0, 0 }, 2, 5),
            tensor(new[] { false, false, false, false, false, false, false, false, true, true }, 2, 5),
            tensor(new long[] { 0, 1, 2, 3, 0, 4, 0, 0 }, 2, 4), tensor(new long[] { 1, 2, 3, 0, 4, 0, no, no }, 2, 4));
    }

    /// <summary>The logits of a target given its source, alone and without a cache, [time · vocabulary].</summary>
    private static float[] Logits(SequenceToSequenceModel model, int[] source, int[] target)
    {
        using var scope = NewDisposeScope();
        using var evaluation = new EvaluationMode(model);
        Tensor padding = zeros(1, source.Length, ScalarType.Bool);
        Tensor encoded = model.Encode(TextModels.Ids(source, 1), padding);
        return model.Head(model.Decode(TextModels.Ids(target, 1), encoded, padding, null))
            .contiguous().data<float>().ToArray();
    }
}
