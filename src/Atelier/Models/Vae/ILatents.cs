using static TorchSharp.torch;

namespace Atelier.Models.Vae;

/// <summary>The latents between an encoder and a decoder: their posterior q(z | x) and their prior p(z).</summary>
internal interface ILatents
{
    /// <summary>The number of random numbers from which an image's latents are sampled.</summary>
    long NoiseSize { get; }

    /// <summary>Draws latents from q(z | x), and computes their divergence from the prior.</summary>
    /// <param name="features">The encoder's output.</param>
    /// <param name="labels">[batch], int64; null without classes.</param>
    /// <param name="random">Draws the latents; null for the generator of the training step.</param>
    Posterior Posterior(Tensor features, Tensor? labels, Generator? random = null);

    /// <summary>The mean of q(z | x).</summary>
    Tensor Mean(Tensor features, Tensor? labels);

    /// <summary>The decoder's input.</summary>
    Tensor Features(Tensor latents, Tensor? labels);

    /// <summary>Samples latents from the prior.</summary>
    /// <param name="noise">Standard normal, [batch, <see cref="NoiseSize"/>].</param>
    /// <param name="labels">[batch], int64; null without classes.</param>
    Tensor Sample(Tensor noise, Tensor? labels);

    /// <summary>Fits a prior to the latents of training images, after training.</summary>
    /// <param name="latents">A draw from the posterior of each image.</param>
    /// <param name="labels">[images], int64; null without classes.</param>
    void Fit(Tensor latents, Tensor? labels);
}

/// <summary>Latents drawn from q(z | x).</summary>
/// <param name="Latents">z.</param>
/// <param name="Divergence">log q(z | x) − log p(z) of each image, in nats, or its expectation if that has a closed
/// form, [batch].</param>
/// <param name="Penalty">The term of the loss for the divergence, a scalar.</param>
internal sealed record Posterior(Tensor Latents, Tensor Divergence, Tensor Penalty)
{
    /// <summary>Further figures by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Figures { get; init; } = new Dictionary<string, Tensor>();
}
