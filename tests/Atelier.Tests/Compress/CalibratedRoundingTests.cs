using Atelier.Compress;
using Atelier.Kernels;

namespace Atelier.Tests.Compress;

public sealed class CalibratedRoundingTests
{
    private const int Columns = 96, Rows = 24, Inputs = 400;

    [Fact]
    public void The_factor_of_the_inverse_is_triangular_and_multiplies_with_the_moments_to_the_identity()
    {
        const int n = 40;
        double[] moments = Moments(Correlated(n, 7), n), u = CalibratedRounding.InverseFactor(moments, n);
        double damping = 0.01 * Enumerable.Range(0, n).Average(i => moments[(i * n) + i]);
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                if (j < i)
                    u[(i * n) + j].ShouldBe(0);
                double product = 0; // (H + λ 1) Uᵀ U
                for (int k = 0; k < n; k++)
                {
                    double inverse = Enumerable.Range(0, n).Sum(l => u[(l * n) + k] * u[(l * n) + j]);
                    product += (moments[(i * n) + k] + (i == k ? damping : 0)) * inverse;
                }
                product.ShouldBe(i == j ? 1 : 0, 1e-8);
            }
        }
    }

    [Theory]
    [InlineData(WeightType.Q4_0)]
    [InlineData(WeightType.Q3)]
    [InlineData(WeightType.Q2)]
    public void Calibrated_weights_change_the_results_of_correlated_inputs_less_than_half_as_much(WeightType type)
    {
        var random = new Random(3);
        float[] weights = [.. Enumerable.Range(0, Rows * Columns).Select(_ => (float)Normal(random))];
        double[][] x = Correlated(Columns, 5);
        double Change(double[]? moments) =>
            Error(weights, Decoded(CalibratedRounding.ToBlocks(weights, Columns, type, moments), type), x);
        double plain = Math.Min(Change(moments: null), Error(weights, Decoded(Plain(weights, type), type), x));
        Change(Moments(x, Columns)).ShouldBeLessThan(plain / 2);
    }

    [Theory]
    [InlineData(WeightType.Q4_0)]
    [InlineData(WeightType.Q3)]
    [InlineData(WeightType.Q2)]
    public void Independent_inputs_leave_nothing_to_make_up_for_so_each_block_has_its_own_best_scale(WeightType type)
    {
        var random = new Random(9);
        float[] weights = [.. Enumerable.Range(0, Rows * Columns).Select(_ => (float)Normal(random))];
        double[] moments = new double[Columns * Columns];
        for (int i = 0; i < Columns; i++)
            moments[(i * Columns) + i] = 1;
        byte[] blocks = CalibratedRounding.ToBlocks(weights, Columns, type, moments);
        CalibratedRounding.ToBlocks(weights, Columns, type, moments: null).ShouldBe(blocks);
        float[] rounded = Decoded(blocks, type), plain = Decoded(Plain(weights, type), type);
        for (int start = 0; start < weights.Length; start += WeightTypes.BlockSize)
        {
            double Squares(float[] values) => Enumerable.Range(start, WeightTypes.BlockSize)
                .Sum(i => Math.Pow(values[i] - weights[i], 2));
            Squares(rounded).ShouldBeLessThanOrEqualTo(Squares(plain) * 1.0001);
        }
    }

    [Fact]
    public void Inputs_that_are_always_zero_and_blocks_of_zeros_are_rounded_as_they_are()
    {
        float[] weights = new float[Columns];
        weights[40] = 0.5f;
        float[] rounded = Decoded(CalibratedRounding.ToBlocks(weights, Columns, WeightType.Q4_0,
            new double[Columns * Columns]), WeightType.Q4_0);
        rounded[..32].ShouldAllBe(value => value == 0);
        rounded[40].ShouldBe(0.5f, 0.05f);
    }

    private static byte[] Plain(float[] weights, WeightType type)
    {
        byte[] bytes = new byte[type.RowBytes(weights.Length)];
        WeightConversion.Encode(type, weights, bytes);
        return bytes;
    }

    private static float[] Decoded(byte[] bytes, WeightType type)
    {
        float[] values = new float[bytes.Length / type.RowBytes(WeightTypes.BlockSize) * WeightTypes.BlockSize];
        WeightConversion.Decode(type, bytes, values);
        return values;
    }

    /// <summary>The sum of squares of the change of the products with each input.</summary>
    private static double Error(float[] weights, float[] values, double[][] inputs)
    {
        double sum = 0;
        foreach (double[] x in inputs)
        {
            for (int row = 0; row < Rows; row++)
            {
                double change = 0;
                for (int i = 0; i < Columns; i++)
                    change += (values[(row * Columns) + i] - weights[(row * Columns) + i]) * x[i];
                sum += change * change;
            }
        }
        return sum;
    }

    /// <summary>Inputs that are mixtures of a few sources, and a little noise.</summary>
    private static double[][] Correlated(int columns, int seed)
    {
        var random = new Random(seed);
        double[][] mixing = [.. Enumerable.Range(0, columns).Select(_ => Sources())];
        return [.. Enumerable.Range(0, Inputs).Select(_ => Mixed(Sources()))];

        double[] Sources() => [.. Enumerable.Range(0, 8).Select(_ => Normal(random))];

        double[] Mixed(double[] sources) =>
            [.. mixing.Select(row => row.Zip(sources, (a, b) => a * b).Sum() + (0.3 * Normal(random)))];
    }

    private static double[] Moments(double[][] inputs, int n)
    {
        double[] moments = new double[n * n];
        foreach (double[] x in inputs)
        {
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < n; j++)
                    moments[(i * n) + j] += x[i] * x[j];
            }
        }
        return moments;
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble());
}
