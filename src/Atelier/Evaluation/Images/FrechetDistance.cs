using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// The Fréchet distance of two normal distributions with the means and covariances of two sets of features (Heusel et
/// al. 2017, eq. 6; Dowson and Landau 1982): |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½), computed in fp64.
/// </summary>
internal static class FrechetDistance
{
    private const int MostResamplings = 200; // each solves two eigenvalue problems

    /// <summary>Returns the distance of two sets of features.</summary>
    /// <param name="first">[images, width], fp64.</param>
    /// <param name="second">[images, width], fp64.</param>
    public static double Of(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        (Tensor mean, Tensor covariance) = Moments(first, null);
        (Tensor otherMean, Tensor otherCovariance) = Moments(second, null);
        return Of(mean, covariance, otherMean, otherCovariance);
    }

    /// <summary>
    /// Returns the distance with a 95 % bootstrap interval, resampling both sets. A resampled set repeats images, which
    /// increases its distance as fewer images would, so the interval is centred on the distance itself.
    /// </summary>
    public static Metric Of(Tensor first, Tensor second, Recipes.EvaluationSection options, long seed)
    {
        double value = Of(first, second);
        var drawn = new double[Math.Min(options.BootstrapSamples, MostResamplings)];
        Parallel.For(0, drawn.Length, i =>
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad();
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)i));
            (Tensor mean, Tensor covariance) = Moments(first, Counts(first.shape[0], random));
            (Tensor otherMean, Tensor otherCovariance) = Moments(second, Counts(second.shape[0], random));
            drawn[i] = Of(mean, covariance, otherMean, otherCovariance);
        });
        (double low, double high) = Bootstrap.Around(value, drawn);
        return new Metric(value, Math.Max(0, low), Math.Max(0, high), "squared feature units");
    }

    /// <summary>
    /// Returns the distance of two normal distributions. The trace of (Σ₁ Σ₂)^½ is that of (Aᵀ Σ₂ A)^½ with A Aᵀ = Σ₁,
    /// whose eigenvalues are real.
    /// </summary>
    /// <param name="mean">[width], fp64.</param>
    /// <param name="covariance">[width, width], fp64.</param>
    /// <param name="otherMean">[width], fp64.</param>
    /// <param name="otherCovariance">[width, width], fp64.</param>
    public static double Of(Tensor mean, Tensor covariance, Tensor otherMean, Tensor otherCovariance)
    {
        using var scope = NewDisposeScope();
        (Tensor values, Tensor vectors) = linalg.eigh(covariance);
        Tensor root = vectors.mul(values.relu().sqrt()); // columns scaled
        Tensor between = linalg.eigvalsh(root.t().matmul(otherCovariance).matmul(root)).relu().sqrt().sum();
        Tensor distance = mean.sub(otherMean).Squared().sum().Plus(covariance.trace()).Plus(otherCovariance.trace())
            .sub(between.Times(2));
        return Math.Max(0, distance.Number());
    }

    /// <summary>
    /// Returns the mean and the covariance (divided by n − 1) of features, weighted by how often each was drawn.
    /// </summary>
    private static (Tensor Mean, Tensor Covariance) Moments(Tensor features, Tensor? counts)
    {
        long n = features.shape[0];
        Tensor mean = counts is null ? features.mean([0]) : counts.matmul(features).Times(1.0 / n);
        Tensor centred = features.sub(mean), weighted = counts is null ? centred : centred.mul(counts.unsqueeze(1));
        return (mean, weighted.t().matmul(centred).Times(1.0 / Math.Max(1, n - 1)));
    }

    private static Tensor Counts(long n, SplitMix64 random)
    {
        var counts = new double[n];
        for (long i = 0; i < n; i++)
            counts[random.Next((int)n)]++;
        return tensor(counts);
    }
}
