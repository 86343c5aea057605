using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// x + linear(silu(conv(silu(x)))), where the convolution over time is dilated (Zeghidour et al. 2021, figure 3). There
/// is no norm, which would amplify silence and its gradients.
/// </summary>
internal sealed class ResidualUnit : nn.Module<Tensor, Tensor>
{
    private const int Kernel = 3;
    private const double Gain = 0.5; // the sum of a few units grows slowly

    private readonly TimeConvolution _conv;
    private readonly Linear _linear;

    public ResidualUnit(int channels, int dilation, Precision precision, Generator random)
        : base(nameof(ResidualUnit))
    {
        _conv = new TimeConvolution(channels, channels, Kernel, dilation, precision, random, gain: Math.Sqrt(2));
        _linear = new Linear(channels, channels, bias: true, precision, Gain / Math.Sqrt(channels), random);
        RegisterComponents();
    }

    /// <summary>The number of positions before and after one that its result depends on.</summary>
    public int Reach => _conv.Reach;

    /// <summary>[batch, time, channels], fp32 → the same shape.</summary>
    public override Tensor forward(Tensor input) =>
        input.Plus(_linear.forward(nn.functional.silu(_conv.forward(nn.functional.silu(input)))));

    /// <summary>Returns the units of a level, each with three times the dilation of the one before it.</summary>
    public static IEnumerable<ResidualUnit> Level(int count, int channels, Precision precision, Generator random) =>
        Enumerable.Range(0, count).Select(i => new ResidualUnit(channels, (int)Math.Pow(3, i), precision, random));
}
