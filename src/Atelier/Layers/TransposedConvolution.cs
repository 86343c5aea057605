using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// A transposed convolution of stride 2, which doubles width and height. The weights are always fp32, as in
/// <see cref="Convolution"/>.
/// </summary>
public sealed class TransposedConvolution : nn.Module<Tensor, Tensor>
{
    private const int Kernel = 4, Stride = 2, Padding = 1;
    private readonly Precision _precision;

    /// <summary>
    /// Draws W from a normal distribution with variance gain² / (inputs · 4), since each pixel is a sum over four
    /// weights of each input, and sets b to 0.
    /// </summary>
    /// <param name="inputs">Channels of x.</param>
    /// <param name="outputs">Channels of y.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <param name="random">Draws W.</param>
    /// <param name="gain">A factor of W; 0 makes y zero at first.</param>
    public TransposedConvolution(long inputs, long outputs, Precision precision, Generator random, double gain = 1)
        : base(nameof(TransposedConvolution))
    {
        _precision = precision;
        Weight = new Parameter(empty(inputs, outputs, Kernel, Kernel)
            .normal_(0, gain / Math.Sqrt(inputs * (Kernel / Stride) * (Kernel / Stride)), random));
        Bias = new Parameter(zeros(outputs));
        register_parameter("weight", Weight);
        register_parameter("bias", Bias);
    }

    /// <summary>W, [inputs, outputs, 4, 4], fp32.</summary>
    [field: ComponentName(Name = "weight")]
    public Parameter Weight { get; }

    /// <summary>b, [outputs], fp32.</summary>
    [field: ComponentName(Name = "bias")]
    public Parameter Bias { get; }

    /// <summary>The transposed convolution.</summary>
    /// <param name="input">x, [batch, inputs, height, width].</param>
    /// <returns>y, [batch, outputs, 2 · height, 2 · width], bf16 if that is the precision.</returns>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("transposed convolution", ref input);
        if (DoublingConvolution.Serves(input))
            return timed.End(DoublingConvolution.Transposed(input, Weight, Bias, _precision));
        (Tensor x, Tensor w, Tensor? b) = RoundedWeights.Operands(_precision, input, Weight, Bias);
        return timed.End(Convolutions.Transpose(x, w, b!, Stride, Padding, StepContext.Current.SecondOrder));
    }
}
