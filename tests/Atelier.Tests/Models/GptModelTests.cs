using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Generation;
using Atelier.Layers;
using Atelier.Models.Gpt;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

public sealed class GptModelTests
{
    private const int Vocabulary = 11;

    public static TheoryData<GptConfig> Shapes { get; } =
    [
        new GptConfig { LayerCount = 2, HeadCount = 2, HiddenSize = 8, ContextLength = 12 },
        new GptConfig { Layout = GptLayout.Llama, LayerCount = 2, HeadCount = 4, KeyValueHeadCount = 2, HiddenSize = 16,
            ContextLength = 12 },
    ];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Given_a_repeating_text_when_trained_by_a_plain_loop_then_it_learns_it(GptConfig config)
    {
        using var model = new GptModel(config, Vocabulary, Precision.Bf16, seed: 1);
        int[] text = [.. Enumerable.Range(0, 13 * 4).Select(i => i * i % Vocabulary)];
        using Tensor all = TextModels.Ids(text, 4);
        using var batch = new TextBatch(all.narrow(1, 0, 12).contiguous(), all.narrow(1, 1, 12).contiguous());
        using var optimizer = new PlainAdam(model);
        double first = model.Evaluate(batch)["loss"];
        for (int step = 0; step < 60; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.Step(model.Objectives[0].Loss(batch), learningRate: 0.02);
        }
        first.ShouldBe(Math.Log(Vocabulary), 0.1); // near uniform at first
        model.Evaluate(batch)["loss"].ShouldBeLessThan(0.3);
        model.Evaluate(batch)["accuracy"].ShouldBeGreaterThan(0.9);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Given_a_key_value_cache_when_tokens_come_in_pieces_then_logits_equal_the_whole_forward(GptConfig config)
    {
        using var model = Scrambled(config);
        int[] a = TextModels.RandomTokens(12, Vocabulary, 1), b = TextModels.RandomTokens(12, Vocabulary, 2);
        float[] wholeA = TextModels.Logits(model, a), wholeB = TextModels.Logits(model, b);
        using IDecodingState state = model.CreateState(2);
        float[] logits = new float[2 * Vocabulary];
        int at = 0;
        foreach (int piece in new[] { 5, 1, 1, 3, 2 })
        {
            state.Append([.. a[at..(at + piece)], .. b[at..(at + piece)]], logits);
            at += piece;
            logits[..Vocabulary].ShouldBeNear(wholeA[((at - 1) * Vocabulary)..(at * Vocabulary)], 1e-4);
            logits[Vocabulary..].ShouldBeNear(wholeB[((at - 1) * Vocabulary)..(at * Vocabulary)], 1e-4);
        }
        state.Length.ShouldBe(12);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Given_sequences_side_by_side_when_parents_are_selected_then_each_goes_on_from_its_parent(
        GptConfig config)
    {
        using var model = Scrambled(config);
        int[] a = TextModels.RandomTokens(5, Vocabulary, 1), b = TextModels.RandomTokens(5, Vocabulary, 2);
        using IDecodingState state = model.CreateState(2);
        state.Append([.. a, .. b], new float[2 * Vocabulary]);
        state.Select([1, 1, 0]);
        float[] logits = new float[3 * Vocabulary];
        state.Append([3, 4, 5], logits);
        state.Sequences.ShouldBe(3);
        logits[..Vocabulary].ShouldBeNear(TextModels.Logits(model, [.. b, 3])[^Vocabulary..], 1e-4);
        logits[Vocabulary..(2 * Vocabulary)].ShouldBeNear(TextModels.Logits(model, [.. b, 4])[^Vocabulary..], 1e-4);
        logits[(2 * Vocabulary)..].ShouldBeNear(TextModels.Logits(model, [.. a, 5])[^Vocabulary..], 1e-4);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Given_a_changed_token_when_read_again_then_no_earlier_logits_change(GptConfig config)
    {
        using var model = Scrambled(config);
        int[] tokens = TextModels.RandomTokens(12, Vocabulary, 3);
        float[] before = TextModels.Logits(model, tokens);
        tokens[7] = (tokens[7] + 1) % Vocabulary;
        float[] after = TextModels.Logits(model, tokens);
        after[..(7 * Vocabulary)].ShouldBe(before[..(7 * Vocabulary)]);
        after[(7 * Vocabulary)..].ShouldNotBe(before[(7 * Vocabulary)..]);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Given_sequences_of_unequal_length_when_scored_then_each_has_its_own_log_softmax(GptConfig config)
    {
        using var model = Scrambled(config);
        int[][] sequences = [TextModels.RandomTokens(4, Vocabulary, 4), TextModels.RandomTokens(13, Vocabulary, 5), [1],
            TextModels.RandomTokens(9, Vocabulary, 6)];
        IReadOnlyList<TokenScore[]> scores = model.Score([.. sequences.Select(s => new ReadOnlyMemory<int>(s))]);
        for (int i = 0; i < sequences.Length; i++)
        {
            int[] s = sequences[i];
            scores[i].Length.ShouldBe(s.Length - 1);
            for (int t = 0; t + 1 < s.Length; t++)
            {
                float[] row = TextModels.Logits(model, s[..(t + 1)])[^Vocabulary..];
                double total = Math.Log(row.Sum(x => Math.Exp(x)));
                scores[i][t].LogProbability.ShouldBe(row[s[t + 1]] - total, 1e-4);
                scores[i][t].IsMostLikely.ShouldBe(row[s[t + 1]] == row.Max());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Given_double_precision_when_each_weight_is_nudged_then_the_loss_moves_as_its_gradient_says(
        GptConfig config)
    {
        using var model = Scrambled(config);
        model.to(ScalarType.Float64);
        using TextBatch batch = TextModels.RandomBatch(2, 6, Vocabulary, 7);
        FiniteDifferences.ShouldMatchGradients(model, () => model.Loss(batch));
    }

    [Fact]
    public void Given_dropout_when_evaluating_then_nothing_is_dropped_and_when_training_something_is()
    {
        GptConfig config = new() { LayerCount = 1, HeadCount = 2, HiddenSize = 8, ContextLength = 12, Dropout = 0.5 };
        using var model = Scrambled(config);
        using var same = Scrambled(config with { Dropout = 0 });
        int[] tokens = TextModels.RandomTokens(12, Vocabulary, 3);
        float[] kept = TextModels.Logits(model, tokens);
        kept.ShouldBe(TextModels.Logits(same, tokens));
        model.train();
        using var scope = NewDisposeScope();
        model.Forward(TextModels.Ids(tokens, 1)).data<float>().ToArray().ShouldNotBe(kept);
        // scoring is evaluation, whatever the model was doing
        model.Score([tokens])[0].ShouldBe(same.Score([tokens])[0]);
        model.training.ShouldBeTrue();
    }

    [Fact]
    public void Given_gpt2_initialisation_then_weights_have_deviation_0_02_and_residual_products_less()
    {
        using var model = new GptModel(new GptConfig { LayerCount = 8, HeadCount = 4, HiddenSize = 128 }, 200,
            Precision.Fp32, seed: 5);
        Dictionary<string, Tensor> state = model.state_dict();
        state["tokens.weight"].std().ToSingle().ShouldBe(0.02f, 0.001f);
        state["blocks.3.attention.qkv.weight"].std().ToSingle().ShouldBe(0.02f, 0.001f);
        state["blocks.3.attention.output.weight"].std().ToSingle().ShouldBe(0.005f, 0.0005f); // 0.02 / √16
        state["blocks.3.feedForward.output.weight"].std().ToSingle().ShouldBe(0.005f, 0.0005f);
        state["blocks.3.feedForward.output.bias"].abs().max().ToSingle().ShouldBe(0);
    }

    [Fact]
    public void Given_the_same_seed_then_the_same_weights_and_given_another_then_others()
    {
        GptConfig config = new() { LayerCount = 1, HeadCount = 1, HiddenSize = 4 };
        float[] Weights(long seed)
        {
            using var model = new GptModel(config, 5, Precision.Fp32, seed);
            return model.state_dict()["blocks.0.attention.qkv.weight"].data<float>().ToArray();
        }
        Weights(1).ShouldBe(Weights(1));
        Weights(1).ShouldNotBe(Weights(2));
    }

    [Fact]
    public void The_error_of_a_width_that_heads_do_not_divide_names_the_nearest_right_ones()
    {
        var error = Should.Throw<AtelierException>(() => new GptConfig { HiddenSize = 130, HeadCount = 4 }.Resolve());
        error.ToLine().ShouldBe("model.hiddenSize: hiddenSize 130 is not divisible by headCount 4; use 128 or 132");
    }

    [Fact]
    public void The_error_of_key_value_heads_that_do_not_divide_the_heads_names_those_that_do()
    {
        var error = Should.Throw<AtelierException>(() =>
            new GptConfig { HiddenSize = 96, HeadCount = 6, KeyValueHeadCount = 4 }.Resolve());
        error.ToLine()
            .ShouldBe("model.keyValueHeadCount: headCount 6 is not divisible by keyValueHeadCount 4; use one "
                + "of 1, 2, 3, 6");
    }

    /// <summary>
    /// A model whose weights, norms and biases are all far from where they begin, so that each one counts.
    /// </summary>
    internal static GptModel Scrambled(GptConfig config, int vocabularySize = Vocabulary)
    {
        var model = new GptModel(config, vocabularySize, Precision.Fp32, seed: 1);
        FiniteDifferences.Scramble(model);
        return model;
    }
}
