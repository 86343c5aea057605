using Atelier.Layers;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;
using Convolution = Atelier.Layers.Convolution;

namespace Atelier.Models.Vae;

/// <summary>
/// A code of a codebook at each position of the encoder's lowest resolution (van den Oord et al. 2017). The posterior
/// has one value, so its divergence from the prior is −log p(codes). The prior is trained together with the codes, and
/// no gradient flows from it to the encoder.
/// </summary>
internal sealed class DiscreteLatents : nn.Module, ILatents
{
    private readonly VaeConfig _config;
    private readonly long[] _shape; // of an image's features: channels, height, width
    private readonly Convolution _in, _out;
    private readonly Codebook _codebook;
    private readonly CodePrior _prior;

    /// <inheritdoc cref="GaussianLatents(VaeConfig, long[], int, Precision, Generator)"/>
    public DiscreteLatents(VaeConfig config, long[] shape, int classes, Precision precision, Generator random)
        : base(nameof(DiscreteLatents))
    {
        (_config, _shape) = (config, shape);
        _in = new Convolution(shape[0], config.LatentSize, 1, 1, precision, random);
        _out = new Convolution(config.LatentSize, shape[0], 1, 1, precision, random);
        _codebook = new Codebook(config.Codes, config.LatentSize, config.CodeDecay);
        _prior = new CodePrior((int)NoiseSize, config.Codes, classes, config.CodePriorSize, precision, random);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public long NoiseSize => _shape[1] * _shape[2];

    /// <inheritdoc/>
    public Posterior Posterior(Tensor features, Tensor? labels, Generator? random = null)
    {
        Tensor vectors = Vectors(Mean(features, labels)); // [batch · positions, size]
        if (training)
            _codebook.Update(vectors, random);
        Tensor codes = _codebook.Nearest(vectors), quantised = _codebook.Codes.index_select(0, codes);
        long count = features.shape[0];
        Tensor divergence = _prior.NegativeLogLikelihood(codes.view(count, -1), labels);
        // eq. 3, third term
        Tensor commitment = vectors.sub(quantised).Squared().sum().Times(_config.Commitment / count);
        // the straight-through estimator: the gradient passes as if nothing had been quantised (section 3.2)
        Tensor through = vectors.Plus(quantised.sub(vectors).detach());
        return new Posterior(Grid(through, count), divergence,
            divergence.mean().Plus(commitment)) { Figures = Usage(codes) };
    }

    /// <inheritdoc/>
    public Tensor Mean(Tensor features, Tensor? labels) => _in.forward(features).to(ScalarType.Float32);

    /// <inheritdoc/>
    /// <remarks>Latents between codes are replaced by the nearest codes, except during training.</remarks>
    public Tensor Features(Tensor latents, Tensor? labels) =>
        _out.forward(is_grad_enabled() ? latents : Grid(Quantise(latents), latents.shape[0]));

    /// <inheritdoc/>
    public Tensor Sample(Tensor noise, Tensor? labels) =>
        Grid(_codebook.Codes.index_select(0, _prior.Sample(noise, labels).flatten()), noise.shape[0]);

    /// <inheritdoc/>
    /// <remarks>The prior has been trained together with the codes.</remarks>
    public void Fit(Tensor latents, Tensor? labels)
    {
    }

    private Tensor Quantise(Tensor latents) => _codebook.Codes.index_select(0, _codebook.Nearest(Vectors(latents)));

    /// <summary>[batch, size, height, width] → [batch · positions, size].</summary>
    private static Tensor Vectors(Tensor latents) => latents.permute(0, 2, 3, 1).flatten(0, 2);

    /// <summary>[batch · positions, size] → [batch, size, height, width].</summary>
    private Tensor Grid(Tensor vectors, long count) =>
        vectors.view(count, _shape[1], _shape[2], -1).permute(0, 3, 1, 2);

    /// <summary>
    /// The number of different codes in a batch, and the perplexity of their frequencies: the number of codes that
    /// would have it if all were used equally often.
    /// </summary>
    private Dictionary<string, Tensor> Usage(Tensor codes)
    {
        using var gradients = no_grad();
        Tensor shares = codes.bincount(null, _config.Codes).to(ScalarType.Float32).Times(1.0 / codes.numel());
        return new Dictionary<string, Tensor>
        {
            ["codesUsed"] = shares.count_nonzero(),
            ["codePerplexity"] = shares.xlogy(shares).sum().neg().exp(),
        };
    }
}
