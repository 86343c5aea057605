using Atelier.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// A transposed convolution over time: each position becomes a window of two strides, and overlapping windows are
/// added.
/// </summary>
internal sealed class TimeUpsampling : nn.Module<Tensor, Tensor>
{
    private readonly int _stride, _outputs;
    private readonly Linear _linear;

    /// <summary>Draws weights with mean 0 and variance 1 / (2 · inputs), since two windows overlap.</summary>
    /// <param name="inputs">Channels of x.</param>
    /// <param name="outputs">Channels of y.</param>
    /// <param name="stride">The stride.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <param name="random">Draws the weights.</param>
    public TimeUpsampling(int inputs, int outputs, int stride, Precision precision, Generator random)
        : base(nameof(TimeUpsampling))
    {
        (_stride, _outputs) = (stride, outputs);
        _linear = new Linear(inputs, 2 * stride * outputs, bias: false, precision, Math.Sqrt(0.5 / inputs), random);
        Bias = new Parameter(zeros(outputs));
        register_module("linear", _linear);
        register_parameter("bias", Bias);
    }

    /// <summary>What is added to each position, [outputs], fp32.</summary>
    [field: ComponentName(Name = "bias")]
    public Parameter Bias { get; }

    /// <summary>Computes the transposed convolution.</summary>
    /// <param name="input">x, [batch, time, inputs].</param>
    /// <returns>y, [batch, time · stride, outputs], fp32.</returns>
    public override Tensor forward(Tensor input)
    {
        (long batch, long time) = (input.shape[0], input.shape[1]);
        int size = _stride * _outputs;
        Tensor windows = _linear.forward(input).to(ScalarType.Float32); // [batch, time, 2 · stride · outputs]
        Tensor early = TimeWindows.Pad(windows.narrow(2, 0, size), 0, 1),
            late = TimeWindows.Pad(windows.narrow(2, size, size), 1, 0);
        return early.Plus(late).view(batch, (time + 1) * _stride, _outputs)
            .narrow(1, _stride / 2, time * _stride).Plus(Bias);
    }
}
