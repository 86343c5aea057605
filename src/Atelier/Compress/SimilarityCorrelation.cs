using System.Numerics;
using Atelier.Evaluation;

namespace Atelier.Compress;

/// <summary>How much the similarities of texts by two models agree.</summary>
internal static class SimilarityCorrelation
{
    private const int PairsOfText = 8;

    /// <summary>
    /// Computes the correlation of the cosines of pairs of texts by two models (Pearson), with a 95 % bootstrap
    /// interval over the texts.
    /// </summary>
    /// <param name="vectors">The vectors of the texts by one model, of length 1.</param>
    /// <param name="others">Those by the other model.</param>
    /// <param name="samples">The number of bootstrap resamples.</param>
    /// <param name="seed">The seed of the bootstrap.</param>
    /// <exception cref="AtelierException">There are too few texts.</exception>
    public static Metric Of(IReadOnlyList<float[]> vectors, IReadOnlyList<float[]> others, int samples, long seed)
    {
        int count = vectors.Count;
        if (count < 3)
            throw new AtelierException("the held-out text is too short to compare passages", Mention.Field("against"),
                "name a longer one");
        Sums[] texts = [.. Enumerable.Range(0, count).Select(i => Bootstrap.Total(
            [.. Enumerable.Range(1, Math.Min(PairsOfText, count - 1)).Select(step => Pair(i, (i + step) % count))]))];
        (double low, double high) =
            Bootstrap.Central([.. Bootstrap.Resample(texts, samples, seed).Select(sums => sums.Correlation)]);
        return new Metric(Bootstrap.Total(texts).Correlation, low, high, "correlation");

        Sums Pair(int i, int j)
        {
            double x = Cosine(vectors[i], vectors[j]), y = Cosine(others[i], others[j]);
            return new Sums(1, x, y, x * x, y * y, x * y);
        }
    }

    private static double Cosine(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();

    private readonly record struct Sums(double Count, double X, double Y, double XX, double YY, double XY)
        : IAdditionOperators<Sums, Sums, Sums>
    {
        public double Correlation => ((Count * XY) - (X * Y))
            / Math.Sqrt(((Count * XX) - (X * X)) * ((Count * YY) - (Y * Y)));

        public static Sums operator +(Sums left, Sums right) => new(left.Count + right.Count, left.X + right.X,
            left.Y + right.Y, left.XX + right.XX, left.YY + right.YY, left.XY + right.XY);
    }
}
