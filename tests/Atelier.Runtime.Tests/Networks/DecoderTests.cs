using Atelier.Abstractions;
using Atelier.Kernels;
using Atelier.Networks;
using Shouldly;
using Xunit;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>The decoder against one in the plainest code, a token and a row at a time.</summary>
public sealed class DecoderTests
{
    private static readonly int[] Tokens = [.. Enumerable.Range(0, 300).Select(i => i * 7 % 61)];

    public static TheoryData<string> Shapes =>
        ["gpt2", "gpt2-tanh", "llama", "llama-grouped", "llama-neighbours", "llama3-scaling", "llama-q8", "llama-q4",
        "llama-bf16", "llama-f16"];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Logits_after_every_token_are_the_plain_decoders_on_every_path(string shape)
    {
        (DecoderConfig config, DecoderWeights weights) = Model(shape);
        const int count = 70;
        float[] expected = new float[count * config.VocabularySize];
        using var plain = new PlainDecoder(config, weights);
        plain.Append([new(plain.CreateSequence(), Tokens.AsMemory(0, count), AllLogits: true)], expected);
        bool inBytes = shape is "llama-q8" or "llama-q4";
        foreach (KernelPath path in KernelPath.Supported)
        {
            using var decoder = new Decoder(config, weights, 2, path);
            using IDecodingSequence sequence = decoder.CreateSequence();
            float[] all = new float[expected.Length];
            decoder.Append([new(sequence, Tokens.AsMemory(0, 33), AllLogits: true)],
                all.AsSpan(0, 33 * config.VocabularySize));
            for (int t = 33; t < count; t++)
                decoder.Append([new(sequence, Tokens.AsMemory(t, 1))],
                    all.AsSpan(t * config.VocabularySize, config.VocabularySize));
            // Vectors in 8 bits move the logits, whose root mean square is about 1, by 3 % of it at most.
            Math.Sqrt(all.Zip(expected, (a, e) => (a - e) * (a - e)).Average())
                .ShouldBeLessThan(inBytes ? 0.03 : 1e-4, path.Name);
            for (int i = 0; i < all.Length; i++)
                all[i].ShouldBe(expected[i], inBytes ? 0.25f
                    : 2e-4f, $"{path.Name}, token {i / config.VocabularySize}");
        }
    }

    [Fact]
    public void Sequences_that_join_and_leave_write_what_they_would_alone()
    {
        (DecoderConfig config, DecoderWeights weights) = Model("llama-grouped");
        using var decoder = new Decoder(config, weights, 2);
        float[] Alone(int start, int count)
        {
            using IDecodingSequence sequence = decoder.CreateSequence();
            float[] logits = new float[config.VocabularySize];
            decoder.Append([new(sequence, Tokens.AsMemory(start, count))], logits);
            return logits;
        }
        using IDecodingSequence first = decoder.CreateSequence(), second = decoder.CreateSequence();
        float[] one = new float[config.VocabularySize], two = new float[2 * config.VocabularySize];
        decoder.Append([new(first, Tokens.AsMemory(0, 40))], one);
        decoder.Append([new(first, Tokens.AsMemory(40, 1)), new(second, Tokens.AsMemory(5, 30))], two);
        Near(two.AsSpan(0, one.Length), Alone(0, 41));
        Near(two.AsSpan(one.Length), Alone(5, 30));
        first.Dispose();
        decoder.Append([new(second, Tokens.AsMemory(35, 1))], one);
        Near(one, Alone(5, 31));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void In_a_step_of_decoding_a_sequence_says_what_it_says_alone_to_the_bit(string shape)
    {
        (DecoderConfig config, DecoderWeights weights) = Model(shape);
        using var decoder = new Decoder(config, weights, 2);
        const int most = 17, steps = 3;
        var expected = new float[most][];
        float[] logits = new float[config.VocabularySize];
        for (int i = 0; i < most; i++)
        {
            using IDecodingSequence alone = decoder.CreateSequence();
            decoder.Append([new(alone, Tokens.AsMemory(i, 5 + i))], logits);
            for (int t = 0; t < steps; t++)
                decoder.Append([new(alone, Tokens.AsMemory(5 + (2 * i) + t, 1))], logits);
            expected[i] = [.. logits];
        }
        foreach (int count in (int[])[2, 3, 4, 7, most])
        {
            IDecodingSequence[] sequences = [.. Enumerable.Range(0, count).Select(_ => decoder.CreateSequence())];
            for (int i = 0; i < count; i++)
                decoder.Append([new(sequences[i], Tokens.AsMemory(i, 5 + i))], logits);
            float[] all = new float[count * config.VocabularySize];
            for (int t = 0; t < steps; t++)
                decoder.Append([.. sequences.Select((sequence, i) => new SequenceInput(sequence,
                    Tokens.AsMemory(5 + (2 * i) + t, 1)))], all);
            for (int i = 0; i < count; i++)
                all[(i * logits.Length)..((i + 1) * logits.Length)].ShouldBe(expected[i], $"{i} of {count}");
            foreach (IDecodingSequence sequence in sequences)
                sequence.Dispose();
        }
    }

    [Fact]
    public void Forks_and_shared_prompts_hold_the_same_pages_until_one_goes_on()
    {
        (DecoderConfig config, DecoderWeights weights) = Model("llama");
        using var decoder = new Decoder(config, weights, 2);
        using IDecodingSequence first = decoder.CreateSequence();
        float[] logits = new float[config.VocabularySize], again = new float[config.VocabularySize];
        decoder.Append([new(first, Tokens.AsMemory(0, 100))], logits);
        int held = decoder.Pages.HeldCount;
        using IDecodingSequence shared = decoder.CreateSequence(Tokens.AsSpan(0, 100));
        shared.Length.ShouldBe(99);
        decoder.Pages.HeldCount.ShouldBe(held);
        decoder.Append([new(shared, Tokens.AsMemory(99, 1))], again);
        Near(again, logits);
        decoder.Pages.HeldCount.ShouldBe(held + 1); // the page that both would write on

        first.Truncate(50);
        decoder.Append([new(first, Tokens.AsMemory(50, 50))], again);
        Near(again, logits);
        first.Dispose();
        shared.Dispose();
        decoder.Pages.HeldCount.ShouldBe(0);
    }

    [Fact]
    public void Long_texts_go_through_in_pieces_and_scores_are_those_of_the_logits()
    {
        (DecoderConfig config, DecoderWeights weights) = Model("gpt2");
        using var decoder = new Decoder(config, weights, 2);
        IReadOnlyList<TokenScore[]> scores = decoder.Score([Tokens, Tokens.AsMemory(0, 1), Tokens.AsMemory(3, 20)]);
        scores[1].ShouldBeEmpty();
        foreach ((int which, int start, int length) in ((int, int, int)[])[(0, 0, 300), (2, 3, 20)])
        {
            scores[which].Length.ShouldBe(length - 1);
            using IDecodingState state = decoder.CreateState(1);
            float[] logits = new float[config.VocabularySize];
            for (int t = 0; t + 1 < length; t++)
            {
                state.Append([Tokens[start + t]], logits);
                double expected = logits[Tokens[start + t + 1]] - Math.Log(logits.Sum(l => Math.Exp(l)));
                scores[which][t].LogProbability.ShouldBe(expected, 1e-4);
            }
        }
        decoder.Pages.HeldCount.ShouldBe(0);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("llama-q4")]
    public void A_token_takes_nothing_of_the_managed_heap_after_warm_up(string shape)
    {
        (DecoderConfig config, DecoderWeights weights) = Model(shape);
        using var decoder = new Decoder(config, weights, 2);
        float[] logits = new float[2 * config.VocabularySize];
        // On a busy machine the system may itself take memory on this thread: the least of a few tries counts.
        Enumerable.Range(0, 5).Min(_ =>
        {
            using IDecodingState state = decoder.CreateState(2);
            for (int t = 0; t < 40; t++)
                state.Append([Tokens[t], Tokens[t + 1]], logits);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int t = 40; t < 60; t++) // within a page: a new one is memory of the cache
                state.Append([Tokens[t], Tokens[t + 1]], logits);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }).ShouldBe(0);
    }

    private static void Near(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        for (int i = 0; i < expected.Length; i++)
            actual[i].ShouldBe(expected[i], 1e-4f);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama-grouped")]
    public void A_head_taken_away_is_one_whose_columns_of_the_output_projection_are_zero(string shape)
    {
        (DecoderConfig config, DecoderWeights weights) = Model(shape);
        using var decoder = new Decoder(config, weights, 2);
        ReadOnlyMemory<int>[] sequences = [Tokens.AsMemory(0, 300), Tokens.AsMemory(7, 2)];
        double[] whole = Scores(decoder.Score(sequences));
        for (int i = 0; i < config.LayerCount * config.HeadCount; i++)
        {
            (int layer, int head) = Math.DivRem(i, config.HeadCount);
            BlockWeights[] blocks = [.. weights.Blocks];
            WeightMatrix output = blocks[layer].Output.Weight;
            float[] values = new float[output.Rows * output.Columns];
            for (int row = 0; row < output.Rows; row++)
            {
                output.ReadRow(row, values.AsSpan(row * output.Columns, output.Columns));
                values.AsSpan((row * output.Columns) + (head * config.HeadSize), config.HeadSize).Clear();
            }
            blocks[layer] = blocks[layer] with
            {
                Output = blocks[layer].Output with
                {
                    Weight = WeightMatrix.From("w", output.Rows, output.Columns, values, WeightType.F32),
                },
            };
            using var lacking = new Decoder(config, weights with { Blocks = blocks }, 2);
            double[] without = Scores(decoder.ScoreWithout(new(layer, head), sequences));
            double[] expected = Scores(lacking.Score(sequences));
            without.Zip(expected, (a, e) => Math.Abs(a - e)).Max().ShouldBeLessThan(1e-5);
            without.Zip(whole, (a, e) => Math.Abs(a - e)).Max().ShouldBeGreaterThan(1e-3);
        }

        static double[] Scores(IReadOnlyList<TokenScore[]> scores) =>
            [.. scores.SelectMany(one => one).Select(one => one.LogProbability)];
    }

    internal static (DecoderConfig, DecoderWeights) Model(string shape)
    {
        bool llama = shape.StartsWith("llama", StringComparison.Ordinal);
        WeightType type = shape switch { "llama-q8" => WeightType.Q8_0, "llama-q4" => WeightType.Q4_0,
            "llama-bf16" => WeightType.BF16, "llama-f16" => WeightType.F16, _ => WeightType.F32 };
        var config = new DecoderConfig
        {
            VocabularySize = 61, ContextLength = 320, HiddenSize = 64, LayerCount = 2, HeadCount = 4, HeadSize = 16,
                FeedForwardSize = 96,
            KeyValueHeadCount = shape == "llama-grouped" ? 2 : 4,
            Positions = llama ? PositionName.Rotary : PositionName.Learned,
            Norm = llama ? NormName.Rms : NormName.Layer,
            Activation = llama ? ActivationName.SwiGlu : shape == "gpt2-tanh" ? ActivationName.GeluTanh
                : ActivationName.Gelu,
            RotaryPairs = shape == "llama-neighbours" ? RotaryPairs.Neighbours : RotaryPairs.Halves,
            RopeScaling = shape == "llama3-scaling"
                ? new RotaryScaling { Name = RotaryScalingName.Llama3, Factor = 8, OriginalContextLength = 64 } : null,
        };
        var random = new Random(1);
        float[] Numbers(int count, float size) =>
            [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 2 - 1) * size)];
        WeightMatrix Matrix(int rows, int columns) =>
            WeightMatrix.From("w", rows, columns, Numbers(rows * columns, 0.25f), type);
        LinearWeights Linear(int rows, int columns) => new(Matrix(rows, columns), llama ? null : Numbers(rows, 0.1f));
        NormWeights Norm() => new([.. Numbers(64, 0.3f).Select(w => 1 + w)], llama ? null : Numbers(64, 0.1f));
        var weights = new DecoderWeights
        {
            Embedding = Matrix(61, 64),
            Positions = llama ? null : Matrix(320, 64),
            Blocks = [.. Enumerable.Range(0, 2).Select(_ => new BlockWeights
            {
                AttentionNorm = Norm(), Query = Linear(64, 64), Key = Linear(config.KeyValueSize, 64),
                    Value = Linear(config.KeyValueSize, 64),
                Output = Linear(64, 64), FeedForwardNorm = Norm(),
                FeedForward = new(llama ? Linear(96, 64) : null, Linear(96, 64), Linear(64, 96)),
            })],
            FinalNorm = Norm(),
        };
        return (config, weights);
    }
}
