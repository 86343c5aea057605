using Atelier.Tensors;
using static TorchSharp.torch;
using Convolution = Atelier.Layers.Convolution;

namespace Atelier.Models.Gan;

/// <summary>A convolution with optional spectral normalisation of its weights.</summary>
internal sealed class BoundedConvolution : nn.Module
{
    private readonly Convolution _convolution;
    private readonly SpectralNorm? _norm;

    public BoundedConvolution(long inputs, long outputs, long kernel, long stride, bool spectral, Precision precision,
        Generator random)
        : base(nameof(BoundedConvolution))
    {
        // the gain for ReLUs (He et al. 2015)
        _convolution = new Convolution(inputs, outputs, kernel, stride, precision, random, gain: Math.Sqrt(2));
        _norm = spectral ? new SpectralNorm(() => _convolution.Weight, random) : null;
        RegisterComponents();
    }

    /// <summary>[batch, inputs, height, width] → [batch, outputs, height / stride, width / stride].</summary>
    public Tensor Forward(Tensor x) => _convolution.Apply(x, _norm?.Weight() ?? _convolution.Weight);
}
