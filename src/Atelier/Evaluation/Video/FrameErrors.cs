namespace Atelier.Evaluation.Video;

/// <summary>Compares frames of 8 bits with the true ones.</summary>
internal static class FrameErrors
{
    /// <summary>The peak signal-to-noise ratio of identical frames, in dB, which would be infinite.</summary>
    public const double MostDecibels = 100;

    private const int Most = 255;
    private const int WindowSide = 11; // Wang et al. 2004, section III-B
    private const double Deviation = 1.5, K1 = 0.01, K2 = 0.03;

    /// <summary>Returns the peak signal-to-noise ratio in dB: 10 log₁₀(255² / mean squared error).</summary>
    public static double PeakSignalToNoise(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> truth)
    {
        double sum = 0;
        for (int i = 0; i < frames.Length; i++)
            sum += (frames[i] - truth[i]) * (frames[i] - truth[i]);
        return Math.Min(MostDecibels, 10 * Math.Log10((double)Most * Most * frames.Length / Math.Max(1e-300, sum)));
    }

    /// <summary>
    /// Returns the structural similarity of a plane, −1 to 1: the mean over all windows of 11 × 11 pixels inside it,
    /// weighted by a Gaussian of standard deviation 1.5 (Wang et al. 2004, eq. 13). A plane that is smaller has one
    /// window of its size.
    /// </summary>
    /// <param name="plane">[height, width], 0 to 255.</param>
    /// <param name="truth">The true plane.</param>
    /// <param name="width">Pixels across.</param>
    public static double StructuralSimilarity(ReadOnlySpan<byte> plane, ReadOnlySpan<byte> truth, int width)
    {
        const double c1 = K1 * Most * K1 * Most, c2 = K2 * Most * K2 * Most;
        int height = plane.Length / width;
        double[] across = Weights(Math.Min(WindowSide, width)), down = Weights(Math.Min(WindowSide, height));
        int columns = width - across.Length + 1, rows = height - down.Length + 1;
        // means over the window's columns of x, y, x², y² and x y, for each row of the plane
        var sums = new double[5, height, columns];
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                for (int i = 0; i < across.Length; i++)
                {
                    double x = plane[(row * width) + column + i], y = truth[(row * width) + column + i], w = across[i];
                    sums[0, row, column] += w * x;
                    sums[1, row, column] += w * y;
                    sums[2, row, column] += w * x * x;
                    sums[3, row, column] += w * y * y;
                    sums[4, row, column] += w * x * y;
                }
            }
        }
        double total = 0;
        Span<double> means = stackalloc double[5];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                for (int kind = 0; kind < means.Length; kind++)
                {
                    means[kind] = 0;
                    for (int i = 0; i < down.Length; i++)
                        means[kind] += down[i] * sums[kind, row + i, column];
                }
                double x = means[0], y = means[1], varianceX = means[2] - (x * x), varianceY = means[3] - (y * y),
                    covariance = means[4] - (x * y);
                total += ((2 * x * y) + c1) * ((2 * covariance) + c2)
                    / (((x * x) + (y * y) + c1) * (varianceX + varianceY + c2));
            }
        }
        return total / (rows * columns);
    }

    private static double[] Weights(int side)
    {
        double[] weights = [.. Enumerable.Range(0, side).Select(i =>
            Math.Exp(-Math.Pow(i - ((side - 1) / 2.0), 2) / (2 * Deviation * Deviation)))];
        double sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }
}
