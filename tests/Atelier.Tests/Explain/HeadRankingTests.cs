using Atelier.Abstractions;
using Atelier.Explain;
using Atelier.Kernels;
using Atelier.Networks;

namespace Atelier.Tests.Explain;

/// <summary>Heads whose weights say what they do, and ablation against models that lack the head.</summary>
public sealed class HeadRankingTests
{
    private const int Vocabulary = 16, Context = 33;
    private const float Sharp = 1000; // makes the softmax of attention choose one token

    [Fact]
    public void A_head_made_to_look_after_the_last_occurrence_is_the_induction_head()
    {
        // The sequences repeat 15 tokens after the start, so the position tells what a head looks at.
        const int length = 15;
        using Decoder model = Looking([_ => 0, at => Math.Max(0, at - 1)],
            [at => Math.Max(0, at - length + 1), at => at]);
        HeadRanking ranking = HeadRanking.Of(model, Passages(4, 20), 0);
        RankedHead Head(int layer, int head) => ranking.Heads.Single(one => one.Head == new AttentionHead(layer, head));
        Head(1, 0).Induction.ShouldBe(1, 1e-5);
        Head(1, 0).PreviousToken.ShouldBe(0, 1e-5);
        Head(1, 0).Name.ShouldBe("induction head");
        Head(0, 1).PreviousToken.ShouldBe(1, 1e-5);
        Head(0, 1).Name.ShouldBe("previous-token head");
        foreach (RankedHead other in (RankedHead[])[Head(0, 0), Head(1, 1), Head(0, 1)])
            other.Induction.ShouldBe(0, 1e-5);
        Head(0, 0).Name.ShouldBeNull();
        Head(1, 1).Name.ShouldBeNull();
        (ranking.Passages, ranking.Tokens, ranking.Heads.Count).ShouldBe((4, 4 * 19, 4));
    }

    [Fact]
    public void Attention_that_is_uniform_has_the_scores_of_the_closed_form()
    {
        using Decoder model = Looking([null, null], [null, null]);
        const int length = 15;
        double induction = Enumerable.Range(length + 1, length).Average(query => 1.0 / (query + 1));
        double previous = Enumerable.Range(2, (2 * length) - 1).Average(query => 1.0 / (query + 1));
        foreach (RankedHead head in HeadRanking.Of(model, Passages(2, 8), 0).Heads)
        {
            head.Induction.ShouldBe(induction, 1e-6);
            head.PreviousToken.ShouldBe(previous, 1e-6);
            head.Name.ShouldBeNull();
        }
    }

    [Fact]
    public void The_increase_is_that_of_a_model_whose_output_projection_lacks_the_head()
    {
        Func<int, int>?[] first = [_ => 0, at => Math.Max(0, at - 1)], second = [null, at => at];
        ReadOnlyMemory<int>[] passages = Passages(6, 30);
        using Decoder model = Looking(first, second);
        HeadRanking ranking = HeadRanking.Of(model, passages, 0);
        double Loss(Decoder any) => -any.Score(passages).Average(one => one.Average(score => score.LogProbability));
        ranking.CrossEntropy.ShouldBe(Loss(model), 1e-9);
        foreach (RankedHead head in ranking.Heads)
        {
            using Decoder lacking = Looking(first, second, head.Head);
            head.Increase.Value.ShouldBe(Loss(lacking) - Loss(model), 1e-9);
            head.Increase.Low.ShouldBeLessThanOrEqualTo(head.Increase.Value);
            head.Increase.High.ShouldBeGreaterThanOrEqualTo(head.Increase.Value);
            // a head that the model already lacks is worth nothing, exactly
            RankedHead again = HeadRanking.Of(lacking, passages, 0).Heads.Single(one => one.Head == head.Head);
            (again.Increase.Value, again.Increase.Low, again.Increase.High).ShouldBe((0, 0, 0));
        }
        ranking.Heads.Select(one => one.Increase.Value).ShouldBe(
            ranking.Heads.Select(one => one.Increase.Value).OrderDescending());
        ranking.Heads.Select(one => Math.Round(one.Increase.Value, 6)).Distinct().Count().ShouldBe(4);
    }

    [Fact]
    public void A_model_scores_as_before_after_a_head_was_taken_away()
    {
        using Decoder model = Looking([null, null], [null, null]);
        ReadOnlyMemory<int>[] passages = Passages(3, 12);
        IReadOnlyList<TokenScore[]> before = model.Score(passages);
        model.ScoreWithout(new(0, 1), passages).SelectMany(one => one).ShouldNotBe(before.SelectMany(one => one));
        model.Score(passages).SelectMany(one => one).ShouldBe(before.SelectMany(one => one));
        Should.Throw<ArgumentOutOfRangeException>(() => model.ScoreWithout(new(2, 0), passages));
        Should.Throw<ArgumentOutOfRangeException>(() => model.ScoreWithout(new(0, 2), passages));
    }

    private static ReadOnlyMemory<int>[] Passages(int count, int length)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(_ =>
            (ReadOnlyMemory<int>)Enumerable.Range(0, length).Select(_ => random.Next(Vocabulary)).ToArray())];
    }

    /// <summary>
    /// Two layers of two heads. The residual stream has a number for each token, which are random, and one for each
    /// position, 1 at its own. A head's query at a position is the position that it looks at, and its key is its own.
    /// </summary>
    /// <param name="first">Where the heads of the first layer look, from each position; null looks everywhere.</param>
    /// <param name="second">Those of the second layer.</param>
    /// <param name="lacking">A head whose columns of the output projection are zero.</param>
    private static Decoder Looking(Func<int, int>?[] first, Func<int, int>?[] second, AttentionHead? lacking = null)
    {
        const int hidden = Vocabulary + Context, width = 2 * Context;
        var random = new Random(2);
        float[] Numbers(int count, float size) =>
            [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 2 - 1) * size)];
        LinearWeights Matrix(int rows, int columns, float[] values) =>
            new(WeightMatrix.From("w", rows, columns, values, WeightType.F32));
        BlockWeights Block(int layer, Func<int, int>?[] looks)
        {
            float[] query = new float[width * hidden], key = new float[width * hidden],
                value = Numbers(width * hidden, 0.2f), output = Numbers(hidden * width, 0.2f);
            for (int head = 0; head < 2; head++)
            {
                for (int at = 0; at < Context; at++)
                {
                    key[((head * Context + at) * hidden) + Vocabulary + at] = 1;
                    if (looks[head] is { } look)
                        query[((head * Context + look(at)) * hidden) + Vocabulary + at] = Sharp;
                }
            }
            for (int row = 0; row < hidden; row++)
            {
                // what heads write leaves the numbers of the positions alone
                if (row >= Vocabulary)
                    output.AsSpan(row * width, width).Clear();
                if (lacking is { } none && none.Layer == layer)
                    output.AsSpan((row * width) + (none.Head * Context), Context).Clear();
            }
            return new()
            {
                AttentionNorm = Norm(), Query = Matrix(width, hidden, query), Key = Matrix(width, hidden, key),
                Value = Matrix(width, hidden, value), Output = Matrix(hidden, width, output),
                FeedForwardNorm = Norm(),
                FeedForward = new(null, Matrix(8, hidden, new float[8 * hidden]),
                    Matrix(hidden, 8, new float[8 * hidden])),
            };
        }
        NormWeights Norm() => new([.. Enumerable.Repeat(1f, hidden)]);
        float[] tokens = new float[Vocabulary * hidden], positions = new float[Context * hidden];
        for (int token = 0; token < Vocabulary; token++)
            Numbers(Vocabulary, 1).CopyTo(tokens, token * hidden);
        for (int at = 0; at < Context; at++)
            positions[(at * hidden) + Vocabulary + at] = 1;
        var config = new DecoderConfig
        {
            VocabularySize = Vocabulary, ContextLength = Context, HiddenSize = hidden, LayerCount = 2, HeadCount = 2,
            KeyValueHeadCount = 2, HeadSize = Context, FeedForwardSize = 8, Positions = PositionName.Learned,
            Norm = NormName.Rms, Activation = ActivationName.Gelu,
        };
        return new Decoder(config, new DecoderWeights
        {
            Embedding = Matrix(Vocabulary, hidden, tokens).Weight,
            Positions = Matrix(Context, hidden, positions).Weight,
            Blocks = [Block(0, first), Block(1, second)],
            FinalNorm = Norm(),
        }, threads: 2);
    }
}
