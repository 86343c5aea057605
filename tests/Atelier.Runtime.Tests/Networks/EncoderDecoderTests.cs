using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>
/// Encoder-decoders against the numbers of Hugging Face's modeling code, and alone, together, shared and in fewer bits.
/// </summary>
public sealed class EncoderDecoderTests : IDisposable
{
    private const int Vocabulary = 37;

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    public static TheoryData<string> Networks => ["marian", "bart", "t5", "t5-gated", "t5-wide-heads"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_network_of_Hugging_Face_has_its_logits_on_every_path(string name)
    {
        (GoldenModel golden, EncoderDecoderConfig config, EncoderDecoderWeights weights) = Open(name);
        int[][] sources = golden.Input("input_ids"), targets = golden.Input("decoder_input_ids");
        foreach (KernelPath path in KernelPath.Supported)
        {
            foreach (int threads in (int[])[1, 2])
            {
                using var model = new EncoderDecoder(config, weights with { Owners = [] }, threads, path);
                using IDecodingState state =
                    model.CreateState([.. sources.Select(source => (ReadOnlyMemory<int>)source)]);
                float[] logits = new float[2 * Vocabulary];
                for (int t = 0; t < targets[0].Length; t++)
                {
                    state.Append([targets[0][t], targets[1][t]], logits);
                    Near(logits, [.. golden.Logits(0, t), .. golden.Logits(1, t)], $"{path.Name}, position {t}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Scores_are_those_of_the_golden_logits(string name)
    {
        (GoldenModel golden, EncoderDecoderConfig config, EncoderDecoderWeights weights) = Open(name);
        int[][] sources = golden.Input("input_ids"), targets = golden.Input("decoder_input_ids");
        using var model = new EncoderDecoder(config, weights, 2);
        // the second target is cut, so that it leaves its batch early
        IReadOnlyList<TokenScore[]> scores =
            model.Score([(sources[0], targets[0]), (sources[1], targets[1].AsMemory(0, 4)), (sources[0], new[] { 3 })]);
        scores.Select(row => row.Length).ShouldBe([targets[0].Length - 1, 3, 0]);
        for (int i = 0; i < 2; i++)
        {
            for (int t = 0; t < scores[i].Length; t++)
            {
                double[] logits = golden.Logits(i, t);
                double expected = logits[targets[i][t + 1]] - Math.Log(logits.Sum(Math.Exp));
                scores[i][t].LogProbability.ShouldBe(expected, 2e-4 * Math.Max(1, Math.Abs(expected)));
                scores[i][t].IsMostLikely.ShouldBe(logits.Max() == logits[targets[i][t + 1]]);
            }
        }
    }

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void A_target_among_many_has_the_logits_that_it_has_alone_to_the_bit(WeightType type)
    {
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) = Random(type);
        using EncoderDecoder model = new(config, weights, 2), alone = new(config, weights, 1);
        ReadOnlyMemory<int>[] sources = [.. new[] { 5, 20, 1, 13, 20, 2, 3, 17, 9 }.Select(length =>
            (ReadOnlyMemory<int>)Enumerable.Range(0, length).Select(t => (t * 7 + length) % 50).ToArray())];
        using IDecodingState state = model.CreateState(sources);
        float[] logits = new float[state.Sequences * 50];
        state.Append([.. sources.Select(_ => 3)], logits);
        // three targets of each source
        int[] parents = [.. Enumerable.Range(0, 27).Select(i => i / 3)];
        state.Select(parents);
        logits = new float[27 * 50];
        int[] next = [.. parents.Select((_, i) => i % 3 + 5)];
        state.Append(next, logits);
        // the second target of each source goes on alone
        state.Select([.. Enumerable.Range(0, 9).Select(i => 3 * i + 1)]);
        state.Append([.. sources.Select(_ => 8)], logits.AsSpan(0, 9 * 50));
        for (int i = 0; i < sources.Length; i++)
        {
            using IDecodingState single = alone.CreateState([sources[i]]);
            float[] expected = new float[50];
            single.Append([3, 6, 8], expected);
            logits.AsSpan(i * 50, 50).ToArray().ShouldBe(expected, $"source {i}");
            ((IAlignedState)state).Alignments.Slice(i * 20, sources[i].Length).ToArray()
                .ShouldBe(((IAlignedState)single).Alignments.ToArray(), $"source {i}");
        }
        model.Cache.HeldCount.ShouldBe(9 * 3);
        state.Dispose();
        model.Cache.HeldCount.ShouldBe(0);
    }

    [Theory]
    [InlineData(WeightType.BF16, 0.999)]
    [InlineData(WeightType.Q8_0, 0.999)]
    [InlineData(WeightType.Q4_0, 0.9)]
    public void Logits_keep_their_direction_in_fewer_bits(WeightType type, double least)
    {
        float[] exact = Logits(WeightType.F32), rounded = Logits(type);
        double cosine = Dot(exact, rounded) / Math.Sqrt(Dot(exact, exact) * Dot(rounded, rounded));
        TestContext.Current.SendDiagnosticMessage($"{type}: cosine {cosine:F5}");
        cosine.ShouldBeGreaterThan(least);

        static float[] Logits(WeightType type)
        {
            (EncoderDecoderConfig config, EncoderDecoderWeights weights) = Random(type);
            using var model = new EncoderDecoder(config, weights, 1);
            using IDecodingState state = model.CreateState([new[] { 1, 2, 3, 4, 5, 6 }]);
            float[] logits = new float[50];
            state.Append([3, 14, 15, 9], logits);
            return logits;
        }

        static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();
    }

    [Fact]
    public void Alignments_are_shares_of_the_source()
    {
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) = Random(WeightType.F32);
        using var model = new EncoderDecoder(config, weights, 2);
        using var state = (IAlignedState)model.CreateState([new[] { 1, 2, 3 }, new[] { 4 }]);
        state.Alignments.IsEmpty.ShouldBeTrue();
        state.Append([7, 7], new float[100]);
        float[] shares = state.Alignments.ToArray();
        shares[..3].Sum().ShouldBe(1, 1e-5);
        shares[..3].ShouldAllBe(share => share > 0);
        shares[3..].ShouldBe([1f, 0f, 0f], 1e-5);
    }

    [Fact]
    public void Threads_that_use_a_model_at_once_get_the_results_that_each_gets_alone()
    {
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) = Random(WeightType.F32);
        using var model = new EncoderDecoder(config, weights, 2);
        float[] expected = Run();
        Parallel.For(0, 8, _ => Run().ShouldBe(expected));
        model.Cache.HeldCount.ShouldBe(0);

        float[] Run()
        {
            using IDecodingState state = model.CreateState([new[] { 1, 2, 3 }, new[] { 9, 9 }]);
            float[] logits = new float[100];
            state.Append([1, 2, 3, 4, 5, 6], logits);
            return logits;
        }
    }

    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(4, 0.0)]
    public async Task Sources_divided_over_the_threads_get_the_targets_of_one_thread(int beams, double temperature)
    {
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) = Random(WeightType.F32);
        CharacterTokenizer letters = CharacterTokenizer.Train(
            [string.Concat(Enumerable.Range('A', 49).Select(letter => (char)letter))], byteFallback: false);
        string[] sources = [.. Enumerable.Range(0, 23).Select(i => // of lengths at which the positions' table grows
            string.Concat(Enumerable.Range(0, 1 + i * 11 % 37).Select(t => (char)('A' + ((t * i + 3) % 49)))))];
        var request = new GenerationRequest
        {
            Seed = 3,
            Decoding = new() { MaxTokens = 30, BeamWidth = beams, Temperature = temperature },
        };
        string[] one = await Texts(threads: 1), three = await Texts(threads: 3);
        three.ShouldBe(one);
        three.Distinct().Count().ShouldBeGreaterThan(10);

        async Task<string[]> Texts(int threads)
        {
            var model = new EncoderDecoder(config, weights with { Owners = [] }, threads);
            model.Workers.Count.ShouldBe(threads);
            using var generator = new SequenceToSequenceGenerator(model, letters, letters, new(),
                SequenceToSequenceTokens.Of(letters, letters));
            IReadOnlyList<TextSample> samples = await generator.GenerateManyAsync(sources, request, batchSize: 6,
                cancellation: TestContext.Current.CancellationToken);
            model.Workers.ShouldAllBe(worker => worker.Cache.HeldCount == 0);
            return [.. samples.Select(sample => $"{sample.Text} {sample.LogProbability:R}")];
        }
    }

    [Fact]
    public void What_cannot_be_read_is_refused()
    {
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) = Random(WeightType.F32);
        using var model = new EncoderDecoder(config, weights, 1);
        foreach (int[] source in (int[][])[[], new int[config.ContextLength + 1], [50], [-1]])
            Should.Throw<ArgumentException>(() => model.CreateState([source]));
        Should.Throw<ArgumentException>(() => model.Score([(new[] { 1 }, Array.Empty<int>())]));
        Should.Throw<ArgumentException>(() => model.Score([(new[] { 1 }, new[] { 3, 50 })]));
        using IDecodingState state = model.CreateState([new[] { 1 }, new[] { 2 }]);
        float[] logits = new float[100];
        foreach (int[] tokens in (int[][])[[], [1, 2, 3], [1, 50], new int[2 * (config.ContextLength + 1)]])
            Should.Throw<ArgumentException>(() => state.Append(tokens, logits));
        Should.Throw<ArgumentException>(() => state.Append([1, 2], logits.AsSpan(1)));
        Should.Throw<ArgumentException>(() => state.Select([2]));
        state.Dispose();
        Should.Throw<ObjectDisposedException>(() => state.Append([1, 2], logits));
    }

    /// <summary>A network with norms first and two vocabularies, with widths that all types can store.</summary>
    internal static (EncoderDecoderConfig Config, EncoderDecoderWeights Weights) Random(WeightType type, int seed = 5)
    {
        const int hidden = 64, inner = 96, vocabulary = 50;
        var random = new Random(seed);
        var config = new EncoderDecoderConfig
        {
            SourceVocabularySize = vocabulary, VocabularySize = vocabulary, SharesEmbedding = false,
            ContextLength = 40, EncoderLayerCount = 2, DecoderLayerCount = 2, HiddenSize = hidden, HeadCount = 2,
            HeadSize = 32, FeedForwardSize = inner, NormFirst = true, Positions = PositionName.Sinusoidal,
            ScaleEmbedding = true,
        };
        WeightMatrix target = Matrix(vocabulary, hidden);
        return (config, new EncoderDecoderWeights
        {
            SourceEmbedding = Matrix(vocabulary, hidden), TargetEmbedding = target, Head = new LinearWeights(target),
            Encoder = Stack(isDecoder: false), Decoder = Stack(isDecoder: true),
        }.ConvertTo(type));

        float[] Draw(int count, double scale, double mean = 0) =>
            [.. Enumerable.Range(0, count).Select(_ => (float)(mean + ((2 * random.NextDouble()) - 1) * scale))];

        WeightMatrix Matrix(int rows, int columns) =>
            WeightMatrix.From("drawn", rows, columns, Draw(rows * columns, Math.Sqrt(3.0 / columns)));

        LinearWeights Linear(int rows, int columns) => new(Matrix(rows, columns), Draw(rows, 0.1));

        NormWeights Norm() => new(Draw(hidden, 0.2, 1), Draw(hidden, 0.1));

        StackWeights Stack(bool isDecoder) => new()
        {
            FinalNorm = Norm(),
            Blocks = [.. Enumerable.Range(0, 2).Select(_ => new BlockWeights
            {
                AttentionNorm = Norm(), Query = Linear(hidden, hidden), Key = Linear(hidden, hidden),
                Value = Linear(hidden, hidden), Output = Linear(hidden, hidden), FeedForwardNorm = Norm(),
                FeedForward = new(null, Linear(inner, hidden), Linear(hidden, inner)),
                Cross = !isDecoder ? null : new CrossAttentionWeights(Norm(), Linear(hidden, hidden),
                    Linear(hidden, hidden), Linear(hidden, hidden), Linear(hidden, hidden)),
            })],
        };
    }

    private (GoldenModel, EncoderDecoderConfig, EncoderDecoderWeights) Open(string name)
    {
        var golden = new GoldenModel(name);
        golden.Write(_folder);
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) = EncoderDecoderWeightsFile.Open(_folder);
        return (golden, config, weights);
    }

    private static void Near(float[] actual, double[] expected, string what)
    {
        for (int i = 0; i < expected.Length; i++)
            ((double)actual[i]).ShouldBe(expected[i], 2e-4 * Math.Max(1, Math.Abs(expected[i])), $"{what}, logit {i}");
    }
}
