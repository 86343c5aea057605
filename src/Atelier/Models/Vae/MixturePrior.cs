using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.Vae;

/// <summary>
/// A mixture of normal distributions with full covariances for each class, fitted to the latents of training images by
/// expectation maximisation (Dempster et al. 1977). It estimates the aggregated posterior, which is the optimal prior
/// (Tomczak and Welling 2018, eq. 9). Before fitting, every component is standard normal, and so is the mixture.
/// </summary>
internal sealed class MixturePrior : nn.Module
{
    private const int Iterations = 40;
    private const double Ridge = 1e-3; // of the mean variance, added to each variance
    private readonly int _classes, _components, _size;

    public MixturePrior(int classes, int components, int size)
        : base(nameof(MixturePrior))
    {
        (_classes, _components, _size) = (classes, components, size);
        register_buffer("weights", KeptScalars.Full([classes, components], 1.0 / components, ScalarType.Float32));
        register_buffer("means", zeros(classes, components, size));
        // lower triangular: covariance = L Lᵀ
        register_buffer("factors", eye(size).expand(classes, components, size, size).contiguous());
    }

    private Tensor Weights => get_buffer("weights")!;

    private Tensor Means => get_buffer("means")!;

    private Tensor Factors => get_buffer("factors")!;

    /// <summary>
    /// Samples latents. In each row, the first number chooses a component of the class, and the others are ε in μ + L
    /// ε.
    /// </summary>
    /// <param name="noise">[batch, 1 + size], standard normal.</param>
    /// <param name="labels">[batch], int64; null without classes.</param>
    public Tensor Sample(Tensor noise, Tensor? labels)
    {
        labels ??= zeros(noise.shape[0], ScalarType.Int64, device: noise.device);
        Tensor quantiles = noise.narrow(1, 0, 1).NormalCumulative(); // [batch, 1]
        Tensor below = Weights.index_select(0, labels).cumsum(1).lt(quantiles); // components that end before it
        // the row of the class's component, [batch]
        Tensor row = labels.Times(_components).to(ScalarType.Int64).Plus(below.sum([1]).Clamped(0, _components - 1));
        Tensor factors = Factors.flatten(0, 1).index_select(0, row), means = Means.flatten(0, 1).index_select(0, row);
        return means.Plus(factors.matmul(noise.narrow(1, 1, _size).unsqueeze(2)).squeeze(2));
    }

    /// <summary>log p(z) without the factor of 2π, [batch].</summary>
    /// <param name="latents">z, [batch, size].</param>
    /// <param name="labels">[batch], int64; null without classes.</param>
    public Tensor LogDensity(Tensor latents, Tensor? labels)
    {
        using var scope = NewDisposeScope();
        if (labels is null)
            return LogJoint(latents, Weights[0], Means[0], Factors[0]).logsumexp(1).MoveToOuterDisposeScope();
        Tensor density = zeros(latents.shape[0], device: latents.device);
        for (int label = 0; label < _classes; label++)
        {
            Tensor rows = labels.EqualTo(label).nonzero().flatten();
            if (rows.numel() > 0)
                density.index_copy_(0, rows,
                    LogJoint(latents.index_select(0, rows), Weights[label], Means[label], Factors[label]).logsumexp(1));
        }
        return density.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Fits the mixture of each class to its latents. A class without latents keeps its mixture; one with few latents
    /// has fewer components.
    /// </summary>
    /// <param name="latents">[images, size].</param>
    /// <param name="labels">[images], int64; null without classes.</param>
    public void Fit(Tensor latents, Tensor? labels)
    {
        for (int label = 0; label < _classes; label++)
        {
            using var scope = NewDisposeScope();
            Tensor own = (labels is null ? latents : latents.index_select(0, labels.EqualTo(label).nonzero().flatten()))
                .to(ScalarType.Float64);
            if (own.shape[0] == 0)
                continue;
            int components = (int)Math.Clamp(own.shape[0] / (4 * _size), 1, _components);
            (Tensor weights, Tensor means, Tensor factors) = Maximise(own, components);
            Weights[label].zero_().narrow(0, 0, components).copy_(weights);
            Means[label].narrow(0, 0, components).copy_(means);
            Factors[label].narrow(0, 0, components).copy_(factors);
        }
    }

    /// <summary>Expectation maximisation from means at random latents, with the covariance of all latents.</summary>
    private (Tensor Weights, Tensor Means, Tensor Factors) Maximise(Tensor z, int components)
    {
        long count = z.shape[0];
        using var random = new Generator(1, CPU);
        Tensor first = randperm(count, generator: random).narrow(0, 0, components).to(z.device);
        Tensor all = Covariance(z, z.mean([0]), ones([count], ScalarType.Float64, z.device));
        Tensor ridge = eye(_size, dtype: ScalarType.Float64, device: z.device)
            .mul(all.diagonal().mean().Times(Ridge).Clamped(1e-8, double.PositiveInfinity));
        Tensor weights = KeptScalars.Full([components], 1.0 / components, ScalarType.Float64, z.device),
            means = z.index_select(0, first);
        Tensor factors = linalg.cholesky(all.Plus(ridge)).expand(components, _size, _size);
        for (int i = 0; i < Iterations; i++)
        {
            using var step = NewDisposeScope();
            Tensor shares = LogJoint(z, weights, means, factors).softmax(1); // [count, components]
            Tensor sums = shares.sum([0]).PlusNumber(1e-9);
            means = shares.t().matmul(z).div(sums.unsqueeze(1)).MoveToOuterDisposeScope();
            weights = sums.Times(1.0 / count).MoveToOuterDisposeScope();
            Tensor moved = means;
            Tensor[] covariances = [.. Enumerable.Range(0, components)
                .Select(k => Covariance(z, moved[k], shares.select(1, k)).Plus(ridge))];
            factors = linalg.cholesky(stack(covariances)).MoveToOuterDisposeScope();
        }
        return (weights, means, factors);
    }

    private static Tensor Covariance(Tensor z, Tensor mean, Tensor shares)
    {
        Tensor away = z.sub(mean);
        return away.mul(shares.unsqueeze(1)).t().matmul(away).div(shares.sum().PlusNumber(1e-9));
    }

    /// <summary>log w + log N(z; μ, L Lᵀ) without the factor of 2π, [batch, components].</summary>
    private static Tensor LogJoint(Tensor z, Tensor weights, Tensor means, Tensor factors)
    {
        Tensor away = z.unsqueeze(0).sub(means.unsqueeze(1)); // [components, batch, size]
        // |L⁻¹ (z − μ)|², [components, batch]
        Tensor distance = away.matmul(linalg.inv(factors).transpose(1, 2)).Squared().sum([2]);
        Tensor height = factors.diagonal(0, 1, 2).log().sum([1]); // log |L|
        return weights.log().sub(height).unsqueeze(1).sub(distance.Times(0.5)).t();
    }
}
