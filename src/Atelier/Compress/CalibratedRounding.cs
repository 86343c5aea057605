using System.Numerics;
using Atelier.Kernels;

namespace Atelier.Compress;

/// <summary>
/// Rounds weights to 4, 3 or 2 bits so that a layer's results change least for the inputs that it has: the error of
/// each column is made up for by the columns that are not yet rounded (GPTQ: Frantar et al. 2023, algorithm 1), and the
/// scale of a block is the one with the least such error.
/// </summary>
internal static class CalibratedRounding
{
    private const double Damping = 0.01; // of the mean of the diagonal (Frantar et al. 2023, section 3.3)
    private const double MostFactor = 1.1, FactorStep = 0.02; // of the scales that are tried

    /// <summary>Rounds a matrix.</summary>
    /// <param name="weights">The weights, [rows, columns].</param>
    /// <param name="columns">Number of columns, a multiple of 32.</param>
    /// <param name="type">The type of the blocks, one with codes.</param>
    /// <param name="moments">The sums of x xᵀ over inputs x, [columns, columns]; null only looks for the best scale of
    /// each block, for inputs that have nothing to do with one another.</param>
    /// <returns>The bytes of the weights in the type, row by row.</returns>
    public static byte[] ToBlocks(float[] weights, int columns, WeightType type, double[]? moments)
    {
        double[]? factor = moments is null ? null : InverseFactor(moments, columns);
        int rows = weights.Length / columns, rowBytes = (int)type.RowBytes(columns);
        byte[] bytes = new byte[rows * rowBytes];
        Parallel.For(0, rows, row => Round(weights.AsSpan(row * columns, columns), type, factor,
            bytes.AsSpan(row * rowBytes, rowBytes)));
        return bytes;
    }

    /// <summary>
    /// The upper triangular U with (H + λ 1)⁻¹ = Uᵀ U, where H are the moments. An input that is always zero has no
    /// part in the others.
    /// </summary>
    internal static double[] InverseFactor(double[] moments, int n)
    {
        double[] r = [.. moments];
        double mean = 0;
        for (int i = 0; i < n; i++)
            mean += r[(i * n) + i] / n;
        double damping = mean > 0 ? Damping * mean : 1;
        for (int i = 0; i < n; i++)
            r[(i * n) + i] += damping;
        // H = R Rᵀ with an upper triangular R, from the last row to the first
        for (int j = n - 1; j >= 0; j--)
        {
            ReadOnlySpan<double> below = r.AsSpan((j * n) + j + 1, n - j - 1);
            double diagonal = Math.Sqrt(r[(j * n) + j] - Dot(below, below));
            if (!double.IsFinite(diagonal) || diagonal == 0)
                throw new AtelierException("the inputs of a layer are not numbers", hint: "train the model again");
            r[(j * n) + j] = diagonal;
            for (int i = 0; i < j; i++)
                r[(i * n) + j] = (r[(i * n) + j] - Dot(r.AsSpan((i * n) + j + 1, n - j - 1), below)) / diagonal;
        }
        // U = R⁻¹, from the last row to the first: R U = 1
        double[] u = new double[n * n];
        for (int i = n - 1; i >= 0; i--)
        {
            Span<double> row = u.AsSpan(i * n, n);
            for (int k = i + 1; k < n; k++)
                AddProduct(-r[(i * n) + k], u.AsSpan((k * n) + k, n - k), row[k..]);
            row[i] = 1;
            double inverse = 1 / r[(i * n) + i];
            for (int j = i; j < n; j++)
                row[j] *= inverse;
        }
        return u;
    }

    private static void Round(ReadOnlySpan<float> weights, WeightType type, double[]? u, Span<byte> bytes)
    {
        int n = weights.Length, blockBytes = (int)type.RowBytes(WeightTypes.BlockSize);
        double[] w = new double[n];
        for (int i = 0; i < n; i++)
            w[i] = weights[i];
        Span<int> codes = stackalloc int[WeightTypes.BlockSize];
        Span<double> importance = stackalloc double[WeightTypes.BlockSize];
        importance.Fill(1);
        for (int start = 0; start < n; start += WeightTypes.BlockSize)
        {
            for (int i = 0; u is not null && i < WeightTypes.BlockSize; i++)
                importance[i] = 1 / u[((start + i) * n) + start + i];
            Half scale = BestScale(w.AsSpan(start, WeightTypes.BlockSize), type, importance);
            for (int i = 0; i < WeightTypes.BlockSize; i++)
            {
                int at = start + i;
                codes[i] = Code(type, w[at], (double)scale);
                if (u is not null)
                    AddProduct(-(w[at] - (codes[i] * (double)scale)) * importance[i],
                        u.AsSpan((at * n) + at + 1, n - at - 1), w.AsSpan(at + 1));
            }
            BlockCodes.Pack(type, scale, codes, bytes.Slice(start / WeightTypes.BlockSize * blockBytes, blockBytes));
        }
    }

    /// <summary>Returns the scale with the least sum of squares of each weight's error times its importance.</summary>
    private static Half BestScale(ReadOnlySpan<double> block, WeightType type, ReadOnlySpan<double> importance)
    {
        double extreme = 0;
        foreach (double value in block)
            extreme = Math.Abs(value) > Math.Abs(extreme) ? value : extreme;
        (int lowest, int highest) = BlockCodes.Range(type);
        (Half Scale, double Error) best = (default, double.PositiveInfinity);
        for (double factor = LeastFactor(type); factor <= MostFactor; factor += FactorStep)
        {
            foreach (int end in (ReadOnlySpan<int>)[lowest, highest]) // the code of the extreme
            {
                var scale = (Half)(extreme / end * factor);
                double error = 0;
                for (int i = 0; i < block.Length && error < best.Error; i++)
                {
                    double off = (block[i] - (Code(type, block[i], (double)scale) * (double)scale)) * importance[i];
                    error += off * off;
                }
                if (error < best.Error)
                    best = (scale, error);
            }
        }
        return best.Scale;
    }

    /// <summary>
    /// Returns the least scale to try: the fewer codes, the more a block gains where its extreme is cut.
    /// </summary>
    private static double LeastFactor(WeightType type) => type switch
    {
        WeightType.Q2 => 0.3,
        WeightType.Q3 => 0.5,
        _ => 0.7,
    };

    private static int Code(WeightType type, double value, double scale) =>
        BlockCodes.Nearest(type, scale == 0 ? 0 : value / scale);

    private static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Vector<double> sums = default;
        int i = 0;
        for (; i <= x.Length - Vector<double>.Count; i += Vector<double>.Count)
            sums += new Vector<double>(x[i..]) * new Vector<double>(y[i..]);
        double sum = Vector.Sum(sums);
        for (; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }

    private static void AddProduct(double factor, ReadOnlySpan<double> x, Span<double> y)
    {
        var factors = new Vector<double>(factor);
        int i = 0;
        for (; i <= x.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(y[i..]) + (factors * new Vector<double>(x[i..]))).CopyTo(y[i..]);
        for (; i < x.Length; i++)
            y[i] += factor * x[i];
    }
}
