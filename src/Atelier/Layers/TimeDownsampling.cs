using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// A convolution over time with a stride, whose windows are two strides long; beyond the ends of sequences there are
/// zeros.
/// </summary>
internal sealed class TimeDownsampling : nn.Module<Tensor, Tensor>
{
    private readonly int _stride;
    private readonly Linear _linear;

    /// <summary>Draws weights with mean 0 and variance 1 / (inputs · 2 · stride).</summary>
    /// <param name="inputs">Channels of x.</param>
    /// <param name="outputs">Channels of y.</param>
    /// <param name="stride">The stride.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <param name="random">Draws the weights.</param>
    public TimeDownsampling(int inputs, int outputs, int stride, Precision precision, Generator random)
        : base(nameof(TimeDownsampling))
    {
        _stride = stride;
        int size = inputs * 2 * stride;
        _linear = new Linear(size, outputs, bias: true, precision, 1 / Math.Sqrt(size), random);
        RegisterComponents();
    }

    /// <summary>Computes the convolution.</summary>
    /// <param name="input">x, [batch, time, inputs]; the time is a multiple of the stride.</param>
    /// <returns>y, [batch, time / stride, outputs], bf16 if that is the precision.</returns>
    public override Tensor forward(Tensor input)
    {
        (long batch, long time, long inputs) = (input.shape[0], input.shape[1], input.shape[2]);
        Tensor blocks = TimeWindows.Pad(input, _stride / 2, _stride - (_stride / 2))
            .view(batch, (time / _stride) + 1, _stride * inputs);
        return _linear.forward(TimeWindows.Of(blocks, 2));
    }
}
