using Atelier.Abstractions;
using Atelier.Kernels;
using Atelier.Networks;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>Keys and values in 16 and 8 bits, against those in single precision.</summary>
public sealed class KeyValueCacheTests : IDisposable
{
    private const int Vocabulary = 257, Count = 60;
    private static readonly int[] Tokens = [.. Enumerable.Range(0, Count).Select(i => ((i * 37) + 5) % Vocabulary)];

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    // heads of 32 numbers; gemma2 has a window and caps, qwen3 norms of keys
    public static MatrixTheoryData<string, WeightType> ShapesAndTypes =>
        new(["mistral", "qwen3", "gemma2"], [WeightType.F16, WeightType.Q8_0]);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(ShapesAndTypes))]
    public void Logits_are_near_those_of_a_cache_in_single_precision(string shape, WeightType type)
    {
        float[] expected = Logits(shape, WeightType.F32, atOnce: true), once = Logits(shape, type, atOnce: true),
            alone = Logits(shape, type, atOnce: false);
        // The root mean square error of a number is 2⁻¹¹ / √3 of it with 16 bits, and 1 / (127 √12) of the largest of
        // its block, about three times as large as most, with 8: 0.0003 and 0.007. Layers add up their errors.
        double tolerance = type == WeightType.F16 ? 0.001 : 0.02;
        Difference(once, expected).ShouldBeInRange(1e-6, tolerance);
        Difference(alone, expected).ShouldBeInRange(1e-6, tolerance);

        static double Difference(float[] logits, float[] expected) =>
            Math.Sqrt(logits.Zip(expected, (l, e) => (double)(l - e) * (l - e)).Sum()
                / expected.Sum(e => (double)e * e));
    }

    [Fact]
    public void A_cache_takes_the_memory_of_its_type()
    {
        long Bytes(WeightType type)
        {
            using Decoder decoder = Open("mistral", type);
            return decoder.Pages.PageBytes;
        }
        // keys and values of 32 tokens, 2 heads of 32 numbers, 3 layers
        Bytes(WeightType.F32).ShouldBe(2 * 32 * 2 * 32 * 3 * 4);
        Bytes(WeightType.F16).ShouldBe(2 * 32 * 2 * 32 * 3 * 2);
        Bytes(WeightType.Q8_0).ShouldBe(2 * 32 * 2 * 34 * 3);
    }

    [Fact]
    public void Heads_that_do_not_fill_a_block_and_other_types_are_refused()
    {
        Should.Throw<AtelierException>(() => Open("llama", WeightType.Q8_0)).Message
            .ShouldContain("heads of 16 numbers cannot be cached in Q8_0");
        Should.Throw<AtelierException>(() => Open("llama", WeightType.BF16)).Message.ShouldContain("BF16");
    }

    [Theory]
    [InlineData(WeightType.F16, 72)]
    [InlineData(WeightType.F16, 37)]
    [InlineData(WeightType.Q8_0, 96)]
    public unsafe void Cached_numbers_are_those_that_the_type_holds(WeightType type, int count)
    {
        var random = new Random(1);
        float[] x =
            [.. Enumerable.Range(0, count).Select(i => (random.NextSingle() - 0.5f) * MathF.Pow(10, i % 9 - 6))],
            read = new float[count], expected = new float[count];
        byte[] bytes = new byte[type.RowBytes(count)];
        fixed (float* from = x, to = read)
        fixed (byte* row = bytes)
        {
            CacheRows.Encode(type, from, count, row);
            CacheRows.Decode(type, row, count, to);
        }
        WeightConversion.Decode(type, bytes, expected);
        read.ShouldBe(expected);
        for (int i = 0; i < count && type == WeightType.F16; i++)
            read[i].ShouldBe((float)(Half)x[i]);
    }

    private float[] Logits(string shape, WeightType type, bool atOnce)
    {
        using Decoder decoder = Open(shape, type);
        using IDecodingSequence sequence = decoder.CreateSequence();
        float[] logits = new float[Count * Vocabulary];
        if (atOnce)
            decoder.Append([new SequenceInput(sequence, Tokens, AllLogits: true)], logits);
        for (int t = 0; t < Count && !atOnce; t++)
            decoder.Append([new SequenceInput(sequence, Tokens.AsMemory(t, 1))],
                logits.AsSpan(t * Vocabulary, Vocabulary));
        return logits;
    }

    private Decoder Open(string shape, WeightType type)
    {
        TinyShapes.Write(_folder, TinyShapes.Config(shape, Vocabulary));
        (DecoderConfig config, DecoderWeights weights) = DecoderWeightsFile.Open(_folder);
        return new Decoder(config, weights, 2, type);
    }
}
