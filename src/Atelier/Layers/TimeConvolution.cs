using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// A convolution over time that keeps the length of sequences; beyond their ends there are zeros. It is one matrix
/// product over windows, whose results are right on every machine and which is fast in bf16.
/// </summary>
internal sealed class TimeConvolution : nn.Module<Tensor, Tensor>
{
    private readonly int _kernel, _dilation;
    private readonly Linear _linear;

    /// <summary>Draws weights with mean 0 and variance gain² / (inputs · kernel).</summary>
    /// <param name="inputs">Channels of x.</param>
    /// <param name="outputs">Channels of y.</param>
    /// <param name="kernel">The number of positions of a window; odd.</param>
    /// <param name="dilation">The distance between two positions of a window.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <param name="random">Draws the weights.</param>
    /// <param name="gain">A factor of the weights.</param>
    public TimeConvolution(int inputs, int outputs, int kernel, int dilation, Precision precision, Generator random,
        double gain = 1)
        : base(nameof(TimeConvolution))
    {
        (_kernel, _dilation) = (kernel, dilation);
        _linear = new Linear(inputs * kernel, outputs, bias: true, precision, gain / Math.Sqrt(inputs * kernel),
            random);
        RegisterComponents();
    }

    /// <summary>The number of positions before and after one that its result depends on.</summary>
    public int Reach => _kernel / 2 * _dilation;

    /// <summary>Computes the convolution.</summary>
    /// <param name="input">x, [batch, time, inputs].</param>
    /// <returns>y, [batch, time, outputs], bf16 if that is the precision.</returns>
    public override Tensor forward(Tensor input)
    {
        Tensor x = _linear.Precision == Precision.Bf16 ? input.to(ScalarType.BFloat16) : input; // before it is copied
        return _linear.forward(TimeWindows.Of(TimeWindows.Pad(x, Reach, Reach), _kernel, _dilation));
    }
}
