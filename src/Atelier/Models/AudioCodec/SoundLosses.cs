using Atelier.Data.Audio;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// The losses of networks that compute samples: distances between spectra and between samples, and discriminators of
/// spectrograms (Défossez et al. 2022, section 3.4).
/// </summary>
internal sealed class SoundLosses : IDisposable
{
    private readonly IReadOnlyList<Spectrogram> _spectrograms;

    /// <summary>Creates the losses, with new discriminators.</summary>
    /// <param name="sampleRate">Samples per second.</param>
    /// <param name="channels">Channels of the first layer of each discriminator; 0 for none.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="random">Draws the weights.</param>
    public SoundLosses(int sampleRate, int channels, Precision precision, Generator random)
    {
        _spectrograms = [.. SpectralScale.All(sampleRate).Select(scale => new Spectrogram(scale))];
        for (int i = 0; i < _spectrograms.Count && channels > 0; i++)
            Discriminators.Add(new SpectrogramDiscriminator(channels, precision, random));
    }

    /// <summary>The discriminators, one for each resolution. The model registers them.</summary>
    public ModuleList<SpectrogramDiscriminator> Discriminators { get; } = new();

    /// <summary>
    /// The mean absolute difference between levels in bels, over all resolutions, and the mean absolute difference
    /// between samples as a share of their mean size.
    /// </summary>
    /// <param name="samples">The original, [batch, channels, time].</param>
    /// <param name="again">What a network makes of it, in the same shape.</param>
    public (Tensor Spectral, Tensor Waveform) Distances(Tensor samples, Tensor again)
    {
        (Tensor original, Tensor coded) = (samples.flatten(0, 1), again.flatten(0, 1)); // [batch · channels, time]
        Tensor spectral = _spectrograms
            .Select(scale => scale.Levels(original).sub(scale.Levels(coded)).abs().mean())
            .Aggregate((sum, distance) => sum.Plus(distance)).Times(1.0 / _spectrograms.Count);
        return (spectral, RelativeDistance(coded, original));
    }

    /// <summary>
    /// The hinge loss of a network that deceives the discriminators, and the distance between their features of the
    /// original and of what the network makes of it.
    /// </summary>
    /// <param name="samples">The original, [batch, channels, time].</param>
    /// <param name="again">What the network makes of it, in the same shape.</param>
    public (Tensor Deceived, Tensor Features) Adversarial(Tensor samples, Tensor again)
    {
        Tensor deceived = zeros(1, device: samples.device).squeeze(0), features = deceived;
        for (int i = 0; i < Discriminators.Count; i++)
        {
            (Tensor logits, IReadOnlyList<Tensor> ours) = Judge(i, again);
            IReadOnlyList<Tensor> real;
            using (no_grad())
                real = Judge(i, samples).Features;
            deceived = deceived.sub(logits.mean());
            foreach ((Tensor own, Tensor original) in ours.Zip(real))
                features = features.Plus(RelativeDistance(own, original).Times(1.0 / ours.Count));
        }
        return (deceived.Times(1.0 / Discriminators.Count), features.Times(1.0 / Discriminators.Count));
    }

    /// <summary>The hinge loss of the discriminators.</summary>
    /// <param name="samples">The original, [batch, channels, time].</param>
    /// <param name="again">What the network makes of it, in the same shape.</param>
    public Tensor OfDiscriminators(Tensor samples, Tensor again)
    {
        Tensor loss = zeros(1, device: again.device).squeeze(0);
        for (int i = 0; i < Discriminators.Count; i++)
        {
            Tensor real = Judge(i, samples).Logits, coded = Judge(i, again).Logits;
            loss = loss.Plus(F.relu(real.neg().PlusNumber(1)).mean()).Plus(F.relu(coded.PlusNumber(1)).mean());
        }
        return loss.Times(1.0 / Discriminators.Count);
    }

    /// <summary>The loss of discriminators that have not begun: 0, with a gradient of 0.</summary>
    public Tensor None() => Discriminators.parameters().First().sum().Times(0);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Spectrogram spectrogram in _spectrograms)
            spectrogram.Dispose();
    }

    private (Tensor Logits, IReadOnlyList<Tensor> Features) Judge(int scale, Tensor samples) =>
        Discriminators[scale].Forward(_spectrograms[scale].Compressed(samples.flatten(0, 1)));

    private static Tensor RelativeDistance(Tensor own, Tensor original)
    {
        const double tiny = 1e-6; // silence has no size
        Tensor size = original.detach().to(ScalarType.Float32).abs().mean().PlusNumber(tiny);
        return own.sub(original).to(ScalarType.Float32).abs().mean().div(size);
    }
}
