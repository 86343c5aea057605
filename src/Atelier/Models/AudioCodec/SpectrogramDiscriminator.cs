using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Convolution = Atelier.Layers.Convolution;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// A discriminator of spectrograms (Défossez et al. 2022, section 3.4): convolutions over time and frequency, which end
/// in a logit for each region.
/// </summary>
internal sealed class SpectrogramDiscriminator : nn.Module
{
    private const int Halvings = 2; // of time and of frequency
    private static readonly Scalar Slope = 0.2; // of leaky ReLU

    private readonly ModuleList<Convolution> _layers = new();
    private readonly Convolution _last;

    public SpectrogramDiscriminator(int channels, Precision precision, Generator random)
        : base(nameof(SpectrogramDiscriminator))
    {
        double gain = Math.Sqrt(2); // for ReLUs (He et al. 2015)
        int inputs = 2; // real and imaginary parts
        for (int i = 0; i < Halvings; i++, inputs = channels, channels *= 2)
            _layers.Add(new Convolution(inputs, channels, 4, 2, precision, random, gain));
        _layers.Add(new Convolution(inputs, inputs, 3, 1, precision, random, gain));
        _last = new Convolution(inputs, 1, 3, 1, precision, random);
        RegisterComponents();
    }

    /// <summary>Judges spectrograms.</summary>
    /// <param name="spectra">[sounds, 2, frames, bins].</param>
    /// <returns>The logits, [sounds, 1, frames / 4, bins / 4], fp32, and the features of each layer.</returns>
    public (Tensor Logits, IReadOnlyList<Tensor> Features) Forward(Tensor spectra)
    {
        var features = new List<Tensor>();
        Tensor x = spectra;
        foreach (Convolution layer in _layers)
            features.Add(x = layer.forward(x).leaky_relu(Slope));
        return (_last.forward(x).to(ScalarType.Float32), features);
    }
}
