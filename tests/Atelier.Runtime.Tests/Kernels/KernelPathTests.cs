using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Atelier.Kernels;
using Shouldly;
using Xunit;

namespace Atelier.Tests.Kernels;

/// <summary>Every way of computing that this machine has gives what the plain one gives.</summary>
public sealed unsafe class KernelPathTests
{
    private static readonly KernelPath Plain = KernelPath.Supported[^1];

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void Products_of_any_shape_are_those_of_decoded_weights(WeightType type)
    {
        foreach ((int rows, int columns, int vectors) in ((int, int, int)[])[(1, 32, 1), (7, 96, 2), (16, 64, 4),
            (21, 160, 9), (27, 64, 5), (9, 2112, 6), (5, type.IsBlocked() ? 32 : 37, 5)])
        {
            float[] x = Numbers(vectors * columns, 1), decoded = new float[columns];
            WeightMatrix w = WeightMatrix.From("w", rows, columns, Numbers(rows * columns, 2), type);
            foreach (KernelPath path in KernelPath.Supported)
            {
                sbyte[] values = new sbyte[vectors * columns];
                float[] scales = new float[vectors * columns / 32 + 1], y = new float[vectors * rows];
                int[] sums = new int[vectors * columns / 32 + 1], halves = new int[vectors * columns / 16 + 1];
                fixed (float* px = x, ps = scales, py = y)
                fixed (sbyte* pv = values)
                fixed (int* pu = sums, ph = halves)
                {
                    var bytes = new ByteVectors(pv, ps, pu, ph);
                    for (int t = 0; t < vectors && type.IsBlocked(); t++)
                        path.ToBytes(px + t * columns, columns, bytes.At(t, columns));
                    path.Multiply(new ProductRows(w, 0, rows), px, bytes, vectors, py, rows, asAlone: false);
                }
                for (int t = 0; t < vectors; t++)
                {
                    for (int r = 0; r < rows; r++)
                    {
                        w.ReadRow(r, decoded);
                        double expected = 0, size = 0;
                        for (int c = 0; c < columns; c++)
                        {
                            double term = decoded[c] * (type.IsBlocked()
                                ? scales[(t * columns + c) / 32] * values[t * columns + c]
                                : (double)x[t * columns + c]);
                            expected += term;
                            size += Math.Abs(term);
                        }
                        ((double)y[t * rows + r])
                            .ShouldBe(expected, 1e-6 * size + 1e-9,
                            $"{path.Name}, {rows} × {columns}, row {r}, vector {t}");
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void A_vector_among_others_can_have_the_result_that_it_has_alone_to_the_bit(WeightType type)
    {
        foreach ((int rows, int columns, int vectors) in ((int, int, int)[])[(1, 32, 3), (7, 96, 2), (16, 64, 4),
            (21, 160, 9), (27, 64, 5), (9, 2112, 16), (5, type.IsBlocked() ? 32 : 137, 5)])
        {
            float[] x = Numbers(vectors * columns, 1);
            WeightMatrix w = WeightMatrix.From("w", rows, columns, Numbers(rows * columns, 2), type);
            foreach (KernelPath path in KernelPath.Supported)
            {
                float[] Multiply(int first, int count)
                {
                    float[] y = new float[count * rows], scales = new float[count * columns / 32 + 1];
                    sbyte[] values = new sbyte[count * columns];
                    int[] sums = new int[count * columns / 32 + 1], halves = new int[count * columns / 16 + 1];
                    fixed (float* px = x, ps = scales, py = y)
                    fixed (sbyte* pv = values)
                    fixed (int* pu = sums, ph = halves)
                    {
                        var bytes = new ByteVectors(pv, ps, pu, ph);
                        for (int t = 0; t < count && type.IsBlocked(); t++)
                            path.ToBytes(px + (first + t) * columns, columns, bytes.At(t, columns));
                        path.Multiply(new ProductRows(w, 0, rows), px + first * columns, bytes, count, py, rows,
                            asAlone: true);
                    }
                    return y;
                }
                float[] together = Multiply(0, vectors);
                for (int t = 0; t < vectors; t++)
                    together[(t * rows)..((t + 1) * rows)]
                        .ShouldBe(Multiply(t, 1), $"{path.Name}, {rows} × {columns}, vector {t} of {vectors}");
            }
        }
    }

    [Fact]
    public void Bytes_are_within_half_a_step_of_the_vector()
    {
        float[] x = Numbers(96, 3);
        foreach (KernelPath path in KernelPath.Supported)
        {
            sbyte[] values = new sbyte[96];
            float[] scales = new float[3];
            int[] sums = new int[3], halves = new int[6];
            fixed (float* px = x, ps = scales)
            fixed (sbyte* pv = values)
            fixed (int* pu = sums, ph = halves)
                path.ToBytes(px, 96, new ByteVectors(pv, ps, pu, ph));
            for (int i = 0; i < 96; i++)
                (scales[i / 32] * values[i]).ShouldBe(x[i], scales[i / 32] * 0.5001f);
            for (int b = 0; b < 3; b++)
                sums[b].ShouldBe(values.Skip(32 * b).Take(32).Sum(v => v));
            for (int half = 0; half < 6; half++)
                halves[half].ShouldBe(values.Skip(16 * half).Take(16).Sum(v => v));
        }
    }

    [Fact]
    public void Functions_of_every_path_are_the_plain_ones()
    {
        foreach (KernelPath path in KernelPath.Supported)
        {
            foreach (int size in (int[])[1, 16, 37, 128])
            {
                float[] gate = Numbers(size, 4), weight = Numbers(size, 5), bias = Numbers(size, 6);
                void Same(Action<KernelPath, float[]> function)
                {
                    float[] ours = Numbers(size, 7), plain = Numbers(size, 7);
                    function(path, ours);
                    function(Plain, plain);
                    for (int i = 0; i < size; i++)
                        ours[i].ShouldBe(plain[i], 2e-6f + 4e-6f * Math.Abs(plain[i]), $"{path.Name}, {size}, {i}");
                }
                Same((p, y) => { fixed (float* py = y, pw = weight) p.RmsNorm(py, pw, size, 1e-5f, py); });
                Same((p, y) =>
                    { fixed (float* py = y, pw = weight, pb = bias) p.LayerNorm(py, pw, pb, size, 1e-5f, py); });
                Same((p, y) => { fixed (float* py = y, pg = gate) p.SwiGlu(pg, size, py); });
                Same((p, y) => { fixed (float* py = y) p.Gelu(size, py, tanh: false); });
                Same((p, y) => { fixed (float* py = y) p.Gelu(size, py, tanh: true); });
                Same((p, y) => { fixed (float* py = y) p.Sigmoid(size, py); });
                Same((p, y) => { fixed (float* py = y) p.Tanh(size, py); });
                Same((p, y) => { fixed (float* py = y) p.SoftMax(py, size); });
                Same((p, y) => { fixed (float* py = y) y[0] = (float)p.LogSumExp(py, size); });
            }
        }
    }

    [Fact]
    public void The_exponential_is_right_over_its_whole_range()
    {
        Assert.SkipUnless(Avx512F.IsSupported, "this processor lacks AVX-512");
        var random = new Random(3);
        for (int i = 0; i < 2000; i++)
        {
            float x = (float)(random.NextDouble() * 175 - 87);
            double right = Math.Exp(x);
            Exp(x).ShouldBe((float)right, (float)(2.5e-7 * right), $"exp({x})");
        }
        Exp(0).ShouldBe(1);
        Exp(float.NegativeInfinity).ShouldBe(0);
        Exp(-105).ShouldBe(0);
        Exp(-100).ShouldBeInRange(3e-44f, 5e-44f); // a subnormal number
        Exp(89).ShouldBe(float.PositiveInfinity);
        Exp(float.NaN).ShouldBe(float.NaN);

        static float Exp(float x) => VectorMath.Exp(Vector512.Create(x))[7];
    }

    [Fact]
    public void The_next_number_that_is_large_enough_is_found_on_every_path()
    {
        float[] numbers = Numbers(100, 8);
        numbers[41] = float.NaN;
        foreach (KernelPath path in KernelPath.Supported)
        {
            foreach (float least in (float[])[float.NegativeInfinity, -1, 1.5f, numbers.Where(x => x < 9).Max(), 3])
            {
                for (int from = 0; from <= numbers.Length; from += 7)
                {
                    int expected = Array.FindIndex(numbers, from, x => x >= least);
                    fixed (float* first = numbers)
                        path.NextAtLeast(first, from, numbers.Length, least)
                            .ShouldBe(expected < 0 ? numbers.Length : expected, $"{path.Name}, {least}, {from}");
                }
            }
        }
    }

    private static float[] Numbers(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4 - 2))];
    }
}
