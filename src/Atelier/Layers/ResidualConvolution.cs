using Atelier.Tensors;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// x + conv(silu(norm(conv(silu(norm(x)))))), with norms and activations before the convolutions (He et al. 2016,
/// figure 4e). A condition scales and shifts the result of the second norm (Dhariwal and Nichol 2021, section 3.1). If
/// the channels of input and output differ, x is replaced by a convolution of 1 × 1.
/// </summary>
public sealed class ResidualConvolution : nn.Module<Tensor, Tensor>
{
    /// <summary>The number of groups of the norms; it divides the channels.</summary>
    public const int Groups = 8;

    private readonly GroupNorm _norm1, _norm2;
    private readonly Convolution _conv1, _conv2;
    [ComponentName(Name = "_told")] // as bundles name it
    private readonly Linear? _modulation;
    private readonly Convolution? _skip;

    /// <summary>Creates a block with new weights, which is the identity at first if channels do not change.</summary>
    /// <param name="inputs">Channels of x; a multiple of <see cref="Groups"/>.</param>
    /// <param name="outputs">Channels of the result; a multiple of <see cref="Groups"/>.</param>
    /// <param name="conditionSize">The width of the condition; 0 for none.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public ResidualConvolution(int inputs, int outputs, int conditionSize, Precision precision, Generator random)
        : base(nameof(ResidualConvolution))
    {
        (_norm1, _norm2) = (new GroupNorm(Groups, inputs), new GroupNorm(Groups, outputs));
        _conv1 = new Convolution(inputs, outputs, 3, 1, precision, random);
        _modulation = conditionSize == 0 ? null : new Linear(conditionSize, 2 * outputs, bias: true, Precision.Fp32,
            0.1 / Math.Sqrt(conditionSize), random);
        _conv2 = new Convolution(outputs, outputs, 3, 1, precision, random, gain: 0);
        _skip = inputs == outputs ? null : new Convolution(inputs, outputs, 1, 1, precision, random);
        RegisterComponents();
    }

    /// <summary>Computes a block without a condition.</summary>
    /// <param name="input">x, [batch, inputs, height, width].</param>
    /// <returns>[batch, outputs, height, width].</returns>
    public override Tensor forward(Tensor input) => Forward(input, condition: null);

    /// <summary>Computes the block.</summary>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <param name="condition">[batch, conditionSize], fp32; null for a block without a condition.</param>
    /// <returns>[batch, outputs, height, width].</returns>
    public Tensor Forward(Tensor x, Tensor? condition)
    {
        Tensor[]? parts = _modulation?.forward(condition!).chunk(2, 1); // scale and shift, [batch, outputs]
        Tensor h = _norm2.Silu(_conv1.forward(_norm1.Silu(x)), parts?[0], parts?[1]);
        return _conv2.forward(h).Plus(_skip is null ? x : _skip.forward(x));
    }
}
