using Atelier.Layers;
using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp.Utils;
using static TorchSharp.torch;
using Convolution = Atelier.Layers.Convolution;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Vae;

/// <summary>
/// Independent normal latents, q(z | x) = N(μ, σ²) with a standard normal prior (Kingma and Welling 2014, section 3):
/// one vector for the image, or one at each position of the features. Images are sampled from a mixture that was fitted
/// to the latents of training images, if there is one; a grid has too many dimensions for it.
/// </summary>
internal sealed class GaussianLatents : nn.Module, ILatents
{
    private readonly VaeConfig _config;
    private readonly long[] _shape, _latents; // of an image's features and of its latents
    private readonly nn.Module<Tensor, Tensor> _head, _first;
    [ComponentName(Name = "_toldHead")] // as bundles name it
    private readonly Embedding? _headCondition;
    [ComponentName(Name = "_toldFirst")]
    private readonly Embedding? _firstCondition;
    private readonly MixturePrior? _prior;

    /// <summary>Creates latents with new weights.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="shape">The shape of an image's features.</param>
    /// <param name="classes">Number of classes; 0 for none.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public GaussianLatents(VaeConfig config, long[] shape, int classes, Precision precision, Generator random)
        : base(nameof(GaussianLatents))
    {
        (_config, _shape) = (config, shape);
        bool grid = config.Latents == LatentsKind.Grid;
        _latents = grid ? [config.LatentSize, .. shape[1..]] : [config.LatentSize];
        long features = grid ? shape[0] : shape.Aggregate(1L, (product, size) => product * size);
        // small initial weights, so that the posterior begins near the prior
        _head = grid
            ? new Convolution(features, 2 * config.LatentSize, 1, 1, precision, random, gain: 0.1)
            : new Linear(features, 2 * config.LatentSize, bias: true, precision, 0.1 / Math.Sqrt(features), random);
        _first = grid
            ? new Convolution(config.LatentSize, features, 1, 1, precision, random)
            : new Linear(config.LatentSize, features, bias: true, precision, 1 / Math.Sqrt(config.LatentSize), random);
        _headCondition = classes == 0 ? null : new Embedding(classes, 2 * config.LatentSize, 0.01, random);
        _firstCondition = classes == 0 ? null : new Embedding(classes, features, 1, random);
        _prior = grid || config.PriorComponents == 0 ? null
            : new MixturePrior(Math.Max(1, classes), config.PriorComponents, config.LatentSize);
        RegisterComponents();
    }

    /// <summary>Whether images are sampled from a fitted prior instead of the standard normal one.</summary>
    public bool HasFittedPrior => _prior is not null;

    private bool IsGrid => _latents.Length > 1;

    /// <inheritdoc/>
    // the first number chooses a component of the mixture
    public long NoiseSize => IsGrid ? _latents[0] * _latents[1] * _latents[2] : _config.LatentSize + 1;

    /// <inheritdoc/>
    public Posterior Posterior(Tensor features, Tensor? labels, Generator? random = null)
    {
        (Tensor mean, Tensor logVariance) = Parameters(features, labels);
        Tensor divergence = Divergence(mean, logVariance); // [batch, ...latents]
        Tensor penalty = divergence.mean([0]);
        if (_config.FreeBits > 0) // Kingma et al. 2016, eq. 15, over the batch
            penalty = penalty.Clamped(_config.FreeBits, double.PositiveInfinity);
        return new Posterior(Sample(mean, logVariance, random), divergence.flatten(1).sum([1]),
            penalty.sum().Times(_config.Beta));
    }

    /// <inheritdoc/>
    public Tensor Mean(Tensor features, Tensor? labels) => Parameters(features, labels).Mean;

    /// <inheritdoc/>
    public Tensor Features(Tensor latents, Tensor? labels)
    {
        Tensor x = _first.forward(latents);
        if (_firstCondition is not null)
            x = x.Plus(Broadcast(_firstCondition.forward(labels!).to(x.dtype)));
        return x.view([latents.shape[0], .. _shape]);
    }

    /// <inheritdoc/>
    public Tensor Sample(Tensor noise, Tensor? labels) => IsGrid ? noise.view([noise.shape[0], .. _latents])
        : _prior is null ? noise.narrow(1, 1, _config.LatentSize)
        : _prior.Sample(noise, labels);

    /// <inheritdoc/>
    public void Fit(Tensor latents, Tensor? labels) => _prior?.Fit(latents, labels);

    /// <summary>
    /// A draw z from q(z | x) and log p(z) − log q(z | x), for the standard normal prior and for the fitted one, each
    /// [batch].
    /// </summary>
    public (Tensor Latents, Tensor Ratio, Tensor? FittedRatio) ImportanceSample(Tensor features, Tensor? labels,
        Generator random)
    {
        (Tensor mean, Tensor logVariance) = Parameters(features, labels);
        Tensor z = Sample(mean, logVariance, random);
        Tensor distance = z.sub(mean).Squared().mul(logVariance.neg().exp());
        // without the factors of 2π, which are the same in both
        Tensor posterior = distance.Plus(logVariance).flatten(1).sum([1]).Times(-0.5),
            prior = z.Squared().flatten(1).sum([1]).Times(-0.5);
        return (z, prior.sub(posterior), _prior?.LogDensity(z, labels).sub(posterior));
    }

    /// <summary>
    /// KL(N(μ, σ²) ‖ N(0, 1)) of each latent: ½ (μ² + σ² − 1 − log σ²) (Kingma and Welling 2014, appendix B).
    /// </summary>
    public static Tensor Divergence(Tensor mean, Tensor logVariance) =>
        mean.Squared().Plus(logVariance.exp()).sub(logVariance).PlusNumber(-1).Times(0.5);

    private static Tensor Sample(Tensor mean, Tensor logVariance, Generator? random) =>
        mean.PlusProduct(logVariance.Times(0.5).exp(), empty_like(mean, requires_grad: false).FillNormal(random));

    /// <summary>μ and log σ² of q(z | x).</summary>
    private (Tensor Mean, Tensor LogVariance) Parameters(Tensor features, Tensor? labels)
    {
        // [batch, 2 · latents, ...positions]
        Tensor h = _head.forward(IsGrid ? features : features.flatten(1)).to(ScalarType.Float32);
        if (_headCondition is not null)
            h = h.Plus(Broadcast(_headCondition.forward(labels!)));
        Tensor[] parts = h.chunk(2, 1);
        return (parts[0], parts[1]);
    }

    /// <summary>[batch, width] → the same at every position of a grid.</summary>
    private Tensor Broadcast(Tensor condition) => IsGrid ? condition.unsqueeze(-1).unsqueeze(-1) : condition;
}
