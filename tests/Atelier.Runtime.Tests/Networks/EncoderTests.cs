using System.Text.Json;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.TestSupport;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>The encoder against plain loops in double precision and a published model's golden numbers.</summary>
public sealed class EncoderTests
{
    private const int Vocabulary = 61;

    private static readonly int[] Tokens = [.. Enumerable.Range(0, 90).Select(i => i * 7 % Vocabulary)];

    [Theory]
    [InlineData(ActivationName.Gelu, 0, WeightType.F32)]
    [InlineData(ActivationName.GeluTanh, 2, WeightType.BF16)]
    [InlineData(ActivationName.Relu, 2, WeightType.F16)]
    public void States_pooler_and_logits_are_the_plain_encoders_on_every_path(
        ActivationName activation, int offset, WeightType type)
    {
        // widths that are no multiples of registers, panels or blocks
        (EncoderConfig config, EncoderWeights weights) = Model(44, 70, activation, offset, type);
        var plain = new PlainEncoder(config, weights);
        int[] types = [.. Tokens.Select(t => t % 2)];
        foreach (int length in (int[])[1, 2, 17, 40])
        {
            double[][] expected = plain.Encode(Tokens[..length], types[..length]);
            var input = new EncoderInput(Tokens.AsMemory(0, length), types.AsMemory(0, length));
            foreach (KernelPath path in KernelPath.Supported)
            {
                using var encoder = new Encoder(config, weights, 2, path);
                Near(encoder.Encode([input])[0], [.. expected.SelectMany(row => row)], path.Name);
                Near(encoder.PoolerOutput([input])[0], plain.Pool(expected[0]), path.Name);
                int[] positions = length == 1 ? [0] : [length - 1, 0];
                float[] logits = new float[positions.Length * Vocabulary];
                encoder.MaskedLogits(input, positions, logits);
                Near(logits, [.. positions.SelectMany(at => plain.Logits(expected[at]))], path.Name);
            }
        }
    }

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void A_sequence_among_many_has_the_states_that_it_has_alone_to_the_bit(WeightType type)
    {
        (EncoderConfig config, EncoderWeights weights) = Model(64, 96, ActivationName.Gelu, 0, type);
        EncoderInput[] inputs = [.. new[] { 5, 40, 1, 23, 90, 2, 3, 64, 80, 31, 90, 17, 8 }
            .Select(length => new EncoderInput(Tokens.AsMemory(Tokens.Length - length)))];
        using Encoder encoder = new(config, weights, 2), alone = new(config, weights, 1);
        IReadOnlyList<float[]> all = encoder.Encode(inputs);
        for (int i = 0; i < inputs.Length; i++)
            all[i].ShouldBe(alone.Encode([inputs[i]])[0], $"sequence {i}");
        Parallel.For(0, 4, _ =>
            encoder.Encode(inputs).Zip(all).ShouldAllBe(pair => pair.First.SequenceEqual(pair.Second)));
    }

    [Fact]
    public void The_inputs_of_all_layers_of_blocks_are_shown_and_nothing_else_changes()
    {
        (EncoderConfig config, EncoderWeights weights) = Model(44, 70, ActivationName.Gelu, 0, WeightType.F32);
        using var encoder = new Encoder(config, weights, 2);
        EncoderInput input = new(Tokens.AsMemory(0, 17));
        float[] states = encoder.Encode([input])[0];
        var shown = new ShownInputs();
        encoder.Calibrate(input.Tokens, shown);
        IEnumerable<LinearWeights> layers = weights.Blocks.SelectMany(block => (LinearWeights[])
            [block.Query, block.Key, block.Value, block.Output, .. block.FeedForward!.Products()]);
        shown.Vectors.ShouldAllBe(each => each.Values.Length == 17 * each.Columns);
        shown.Vectors.Select(each => each.Columns).ShouldBe(layers.Select(layer => layer.Weight.Columns));
        // the last layer's product, the residual and the norm are the states
        LinearWeights down = weights.Blocks[^1].FeedForward!.Down;
        NormWeights norm = weights.Blocks[^1].FeedForwardNorm!;
        float[] inner = shown.Vectors[^1].Values, residual = shown.Vectors[^2].Values, row = new float[70];
        double[] sums = new double[44];
        for (int i = 0; i < sums.Length; i++)
        {
            down.Weight.ReadRow(i, row);
            sums[i] = residual[i] + down.Bias![i] + row.Select((w, k) => (double)w * inner[k]).Sum();
        }
        double mean = sums.Average();
        double scale = Math.Sqrt(sums.Average(s => (s - mean) * (s - mean)) + config.NormEpsilon);
        Near(states[..44], [.. sums.Select((s, i) =>
            ((s - mean) / scale * norm.Weight[i]) + norm.Bias![i])], "states");
        encoder.Encode([input])[0].ShouldBe(states);
        shown.Vectors.Count.ShouldBe(6 * config.LayerCount);
    }

    [Fact]
    public void A_vector_is_the_mean_the_first_or_the_last_state_and_has_length_one_if_wanted()
    {
        (EncoderConfig config, EncoderWeights weights) = Model(44, 70, ActivationName.Gelu, 0, WeightType.F32);
        using var encoder = new Encoder(config, weights, 1);
        EncoderInput input = new(Tokens.AsMemory(0, 9));
        float[] states = encoder.Encode([input])[0];
        float[][] rows = [.. states.Chunk(44)];
        Near(encoder.Embed([input], EmbeddingPooling.First, normalise: false)[0], Doubles(rows[0]), "first");
        Near(encoder.Embed([input], EmbeddingPooling.Last, normalise: false)[0], Doubles(rows[^1]), "last");
        double[] mean = [.. Enumerable.Range(0, 44).Select(i => rows.Average(row => (double)row[i]))];
        Near(encoder.Embed([input], EmbeddingPooling.Mean, normalise: false)[0], mean, "mean");
        double length = Math.Sqrt(mean.Sum(v => v * v));
        Near(encoder.Embed([input])[0], [.. mean.Select(v => v / length)], "normalised");
    }

    [Fact]
    public void A_published_sentence_encoder_gives_its_golden_numbers()
    {
        (EncoderInput[] inputs, float[][] golden) = Golden();
        (EncoderConfig config, EncoderWeights weights) = EncoderWeightsFile.Open(Folder());
        using var encoder = new Encoder(config, weights);
        IReadOnlyList<float[]> vectors = encoder.Embed(inputs);
        for (int i = 0; i < golden.Length; i++)
            Near(vectors[i], Doubles(golden[i]), $"text {i}", 2e-4);
    }

    [Theory]
    [InlineData(WeightType.BF16, 0.9998)]
    [InlineData(WeightType.Q8_0, 0.9995)]
    [InlineData(WeightType.Q4_0, 0.95)]
    public void Its_vectors_keep_their_direction_in_fewer_bits(WeightType type, double least)
    {
        (EncoderInput[] inputs, float[][] golden) = Golden();
        (EncoderConfig config, EncoderWeights weights) = EncoderWeightsFile.Open(Folder());
        using var encoder = new Encoder(config, weights.ConvertTo(type));
        double lowest = encoder.Embed(inputs).Zip(golden).Min(pair =>
            pair.First.Zip(pair.Second, (a, b) => (double)a * b).Sum()
                / Math.Sqrt(pair.Second.Sum(v => (double)v * v)));
        TestContext.Current.SendDiagnosticMessage($"{type}: lowest cosine {lowest:F6}");
        lowest.ShouldBeGreaterThan(least);
    }

    [Fact]
    public void Sequences_that_cannot_be_read_are_refused()
    {
        (EncoderConfig config, EncoderWeights weights) = Model(44, 70, ActivationName.Gelu, 0, WeightType.F32);
        using var encoder = new Encoder(config, weights with { Pooler = null, MaskedHead = null }, 1);
        foreach (EncoderInput input in (EncoderInput[])[new(default), new(new int[config.ContextLength + 1]),
            new(new[] { Vocabulary }), new(new[] { -1 }), new(new[] { 1 }, new[] { 2 }),
            new(new[] { 1 }, new[] { 0, 0 })])
            Should.Throw<ArgumentException>(() => encoder.Encode([input]));
        Should.Throw<AtelierException>(() => encoder.PoolerOutput([new(new[] { 1 })])).Message.ShouldContain("pooler");
        Should.Throw<AtelierException>(() => encoder.MaskedLogits(new(new[] { 1 }), [0], new float[Vocabulary]))
            .Message.ShouldContain("masked-LM");
        using var source = new CancellationTokenSource();
        source.Cancel();
        Should.Throw<OperationCanceledException>(() => encoder.Encode([new(new[] { 1 })], source.Token));
    }

    internal static (EncoderConfig, EncoderWeights) Model(int hidden, int inner, ActivationName activation, int offset,
        WeightType type)
    {
        var config = new EncoderConfig
        {
            VocabularySize = Vocabulary, ContextLength = 90, PositionOffset = offset, TypeCount = 2,
            HiddenSize = hidden, LayerCount = 2, HeadCount = 4, FeedForwardSize = inner, Activation = activation,
        };
        var random = new Random(1);
        float[] Numbers(int count, float size) =>
            [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 2 - 1) * size)];
        WeightMatrix Matrix(int rows, int columns, WeightType stored) =>
            WeightMatrix.From("w", rows, columns, Numbers(rows * columns, 0.25f), stored);
        LinearWeights Linear(int rows, int columns) => new(Matrix(rows, columns, type), Numbers(rows, 0.1f));
        NormWeights Norm() => new([.. Numbers(hidden, 0.3f).Select(w => 1 + w)], Numbers(hidden, 0.1f));
        return (config, new EncoderWeights
        {
            Embedding = Matrix(Vocabulary, hidden, WeightType.F32),
            Positions = Matrix(offset + 90, hidden, WeightType.F32),
            Types = Matrix(2, hidden, WeightType.F32),
            EmbeddingNorm = Norm(),
            Blocks = [.. Enumerable.Range(0, 2).Select(_ => new BlockWeights
            {
                Query = Linear(hidden, hidden), Key = Linear(hidden, hidden), Value = Linear(hidden, hidden),
                Output = Linear(hidden, hidden), AttentionNorm = Norm(), FeedForwardNorm = Norm(),
                FeedForward = new(null, Linear(inner, hidden), Linear(hidden, inner)),
            })],
            Pooler = Linear(hidden, hidden),
            MaskedHead = new(Linear(hidden, hidden), Norm(), Linear(Vocabulary, hidden)),
        });
    }

    private static string Folder() => Path.GetDirectoryName(DataFolder.File("weights", "minilm", "config.json"))!;

    private static (EncoderInput[] Inputs, float[][] Embeddings) Golden()
    {
        JsonElement[] lines = [.. File.ReadLines(DataFolder.File("weights", "minilm", "golden.jsonl"))
            .Select(line => JsonElement.Parse(line))];
        return ([.. lines.Select(line => new EncoderInput(
            line.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray()))],
            [.. lines.Select(line => line.GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle())
                .ToArray())]);
    }

    private static double[] Doubles(float[] values) => [.. values.Select(v => (double)v)];

    private static void Near(float[] actual, double[] expected, string what, double tolerance = 1e-4)
    {
        actual.Length.ShouldBe(expected.Length, what);
        for (int i = 0; i < expected.Length; i++)
            ((double)actual[i]).ShouldBe(expected[i], tolerance, $"{what}, element {i}");
    }

    private sealed class ShownInputs : ILinearInputs
    {
        public List<(float[] Values, int Columns)> Vectors { get; } = [];

        public void Add(string weight, ReadOnlySpan<float> vectors, int columns) =>
            Vectors.Add((vectors.ToArray(), columns));
    }
}
