using static TorchSharp.torch;

namespace Atelier.Models.Vae;

/// <summary>What stands between encoder and decoder.</summary>
internal interface ILatents
{
    /// <summary>Standard normal numbers that latents are drawn from.</summary>
    long NoiseSize { get; }

    /// <summary>Draws latents of images, and computes their divergence from the prior.</summary>
    /// <param name="features">The encoder's output.</param>
    /// <param name="labels">[batch], int64; null without classes.</param>
    /// <param name="random">Draws; null for the tensor library's own.</param>
    Reading Read(Tensor features, Tensor? labels, Generator? random);

    /// <summary>The latents that pictures are put into where nothing is drawn.</summary>
    Tensor Expect(Tensor features, Tensor? labels);

    /// <summary>What the decoder begins with.</summary>
    Tensor Features(Tensor latents, Tensor? labels);

    /// <summary>Latents from the prior.</summary>
    /// <param name="noise">[batch, <see cref="NoiseSize"/>], standard normal.</param>
    /// <param name="labels">As in <see cref="Read"/>.</param>
    Tensor Sample(Tensor noise, Tensor? labels);

    /// <summary>Fits to the latents of training pictures what is fitted when training ends.</summary>
    /// <param name="latents">A draw of each picture's.</param>
    /// <param name="labels">[pictures], int64; null without classes.</param>
    void Fit(Tensor latents, Tensor? labels);
}

/// <summary>Latents that were read from pictures.</summary>
/// <param name="Latents">The draws.</param>
/// <param name="Divergence">log q(z | x) − log p(z) of each picture, in nats: its mean where there is a closed form,
/// [batch].</param>
/// <param name="Charge">What the loss takes for it, a scalar.</param>
internal sealed record Reading(Tensor Latents, Tensor Divergence, Tensor Charge)
{
    /// <summary>Further figures by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Figures { get; init; } = new Dictionary<string, Tensor>();
}
