using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// x + conv(silu(norm(conv(silu(norm(x)))))), the norms and activations before the convolutions (He et al. 2016, figure
/// 4e).
/// </summary>
public sealed class ResidualConvolution : nn.Module<Tensor, Tensor>
{
    /// <summary>Groups of the norms; they divide the channels.</summary>
    public const int Groups = 8;

    private readonly GroupNorm _norm1, _norm2;
    private readonly Convolution _conv1, _conv2;

    /// <summary>Makes a block that gives back its input at first.</summary>
    /// <param name="channels">Channels of x and y; a multiple of <see cref="Groups"/>.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public ResidualConvolution(int channels, Precision precision, Generator random)
        : base(nameof(ResidualConvolution))
    {
        (_norm1, _norm2) = (new GroupNorm(Groups, channels), new GroupNorm(Groups, channels));
        _conv1 = new Convolution(channels, channels, 3, 1, precision, random);
        _conv2 = new Convolution(channels, channels, 3, 1, precision, random, gain: 0);
        RegisterComponents();
    }

    /// <summary>The block.</summary>
    /// <param name="input">x, [batch, channels, height, width].</param>
    /// <returns>As x.</returns>
    public override Tensor forward(Tensor input)
    {
        Tensor h = _conv1.forward(_norm1.Silu(input));
        return _conv2.forward(_norm2.Silu(h)).Plus(input);
    }
}
