using Atelier.Layers;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;
using Convolution = Atelier.Layers.Convolution;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Vae;

/// <summary>
/// Independent normal latents, q(z | x) = N(μ, σ²) with a standard normal prior (Kingma and Welling 2014, section 3):
/// one vector for the image, or one at each position of the features. Images are drawn from a mixture that was fitted
/// to the latents of training images, if there is one; a grid has too many dimensions for it.
/// </summary>
internal sealed class GaussianLatents : nn.Module, ILatents
{
    private readonly VaeConfig _config;
    private readonly long[] _shape, _latents; // of a picture's features and of its latents
    private readonly nn.Module<Tensor, Tensor> _head, _first;
    private readonly Embedding? _toldHead, _toldFirst;
    private readonly MixturePrior? _prior;

    /// <summary>Makes them with fresh weights.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="shape">The shape of a picture's features.</param>
    /// <param name="classes">Number of classes; 0 for none.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">Draws the weights.</param>
    public GaussianLatents(VaeConfig config, long[] shape, int classes, Precision precision, Generator random)
        : base(nameof(GaussianLatents))
    {
        (_config, _shape) = (config, shape);
        bool grid = config.Latents == LatentsKind.Grid;
        _latents = grid ? [config.LatentSize, .. shape[1..]] : [config.LatentSize];
        long features = grid ? shape[0] : shape.Aggregate(1L, (product, size) => product * size);
        // Small at first, so that the posterior begins near the prior.
        _head = grid
            ? new Convolution(features, 2 * config.LatentSize, 1, 1, precision, random, gain: 0.1)
            : new Linear(features, 2 * config.LatentSize, bias: true, precision, 0.1 / Math.Sqrt(features), random);
        _first = grid
            ? new Convolution(config.LatentSize, features, 1, 1, precision, random)
            : new Linear(config.LatentSize, features, bias: true, precision, 1 / Math.Sqrt(config.LatentSize), random);
        _toldHead = classes == 0 ? null : new Embedding(classes, 2 * config.LatentSize, 0.01, random);
        _toldFirst = classes == 0 ? null : new Embedding(classes, features, 1, random);
        _prior = grid || config.PriorComponents == 0 ? null
            : new MixturePrior(Math.Max(1, classes), config.PriorComponents, config.LatentSize);
        RegisterComponents();
    }

    /// <summary>Whether pictures are drawn from another prior than the one of the bound.</summary>
    public bool HasFittedPrior => _prior is not null;

    private bool IsGrid => _latents.Length > 1;

    /// <inheritdoc/>
    // the first one chooses a component
    public long NoiseSize => IsGrid ? _latents[0] * _latents[1] * _latents[2] : _config.LatentSize + 1;

    /// <inheritdoc/>
    public Reading Read(Tensor features, Tensor? labels, Generator? random)
    {
        (Tensor mean, Tensor logVariance) = Posterior(features, labels);
        Tensor divergence = Divergence(mean, logVariance); // [batch, ...latents]
        Tensor charged = divergence.mean([0]);
        if (_config.FreeBits > 0)
            // Kingma et al. 2016, eq. 15, over the batch
            charged = charged.Clamped(_config.FreeBits, double.PositiveInfinity);
        return new Reading(Sample(mean, logVariance, random), divergence.flatten(1).sum([1]),
            charged.sum().Times(_config.Beta));
    }

    /// <inheritdoc/>
    public Tensor Expect(Tensor features, Tensor? labels) => Posterior(features, labels).Mean;

    /// <inheritdoc/>
    public Tensor Features(Tensor latents, Tensor? labels)
    {
        Tensor x = _first.forward(latents);
        return (_toldFirst is null ? x : x.Plus(Everywhere(_toldFirst.forward(labels!).to(x.dtype))))
            .view([latents.shape[0], .. _shape]);
    }

    /// <inheritdoc/>
    public Tensor Sample(Tensor noise, Tensor? labels) => IsGrid ? noise.view([noise.shape[0], .. _latents])
        : _prior is null ? noise.narrow(1, 1, _config.LatentSize)
        : _prior.Sample(noise, labels);

    /// <inheritdoc/>
    public void Fit(Tensor latents, Tensor? labels) => _prior?.Fit(latents, labels);

    /// <summary>
    /// A draw from q(z | x) with log p(z) − log q(z | x), for the standard normal prior and for the fitted one, each
    /// [batch].
    /// </summary>
    public (Tensor Latents, Tensor Ratio, Tensor? FittedRatio) Weigh(Tensor features, Tensor? labels, Generator? random)
    {
        (Tensor mean, Tensor logVariance) = Posterior(features, labels);
        Tensor z = Sample(mean, logVariance, random);
        Tensor distance = z.sub(mean).Squared().mul(logVariance.neg().exp());
        // The factors of 2π are the same in both.
        Tensor posterior = distance.Plus(logVariance).flatten(1).sum([1]).Times(-0.5),
            prior = z.Squared().flatten(1).sum([1]).Times(-0.5);
        return (z, prior.sub(posterior), _prior?.LogDensity(z, labels).sub(posterior));
    }

    /// <summary>
    /// The divergence of N(μ, σ²) from N(0, 1) of each latent: ½ (μ² + σ² − 1 − log σ²) (Kingma and Welling 2014,
    /// appendix B).
    /// </summary>
    public static Tensor Divergence(Tensor mean, Tensor logVariance) =>
        mean.Squared().Plus(logVariance.exp()).sub(logVariance).PlusNumber(-1).Times(0.5);

    private static Tensor Sample(Tensor mean, Tensor logVariance, Generator? random) =>
        mean.PlusProduct(logVariance.Times(0.5).exp(), empty_like(mean, requires_grad: false).normal_(0, 1, random));

    private (Tensor Mean, Tensor LogVariance) Posterior(Tensor features, Tensor? labels)
    {
        // [batch, 2 · latents, ...places]
        Tensor h = _head.forward(IsGrid ? features : features.flatten(1)).to(ScalarType.Float32);
        Tensor[] parts = (_toldHead is null ? h : h.Plus(Everywhere(_toldHead.forward(labels!)))).chunk(2, 1);
        return (parts[0], parts[1]);
    }

    /// <summary>[batch, width] at every place of a grid.</summary>
    private Tensor Everywhere(Tensor told) => IsGrid ? told.unsqueeze(-1).unsqueeze(-1) : told;
}
