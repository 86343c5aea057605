using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>
/// A convolution of images. The weights are always fp32; in bf16 precision, the product takes bf16 copies of them, as
/// in
/// <see cref="Linear"/>.
/// </summary>
public sealed class Convolution : nn.Module<Tensor, Tensor>
{
    private readonly long _stride;
    private readonly long _padding;
    private readonly Precision _precision;

    /// <summary>Draws W with mean 0 and variance gain² / (inputs · kernel²); b is 0 (He et al. 2015).</summary>
    /// <param name="inputs">Channels of x.</param>
    /// <param name="outputs">Channels of y.</param>
    /// <param name="kernel">The width and height of the window, in pixels; odd, or 4 with stride 2.</param>
    /// <param name="stride">The distance between windows, in pixels.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <param name="random">Draws W.</param>
    /// <param name="gain">A factor of W; 0 makes y zero at first.</param>
    public Convolution(long inputs, long outputs, long kernel, long stride, Precision precision, Generator random,
        double gain = 1)
        : base(nameof(Convolution))
    {
        (_stride, _padding, _precision) = (stride, (kernel - 1) / 2, precision);
        Weight = new Parameter(empty(outputs, inputs, kernel, kernel)
            .normal_(0, gain / Math.Sqrt(inputs * kernel * kernel), random));
        Bias = new Parameter(zeros(outputs));
        register_parameter("weight", Weight);
        register_parameter("bias", Bias);
    }

    /// <summary>W, [outputs, inputs, kernel, kernel], fp32.</summary>
    [field: ComponentName(Name = "weight")]
    public Parameter Weight { get; }

    /// <summary>b, [outputs], fp32.</summary>
    [field: ComponentName(Name = "bias")]
    public Parameter Bias { get; }

    /// <summary>The convolution.</summary>
    /// <param name="input">x, [batch, inputs, height, width].</param>
    /// <returns>y, [batch, outputs, height / stride, width / stride], bf16 if that is the precision.</returns>
    public override Tensor forward(Tensor input) => Apply(input, Weight);

    /// <summary>The convolution of images after their width and height are doubled, by repeating pixels.</summary>
    /// <param name="input">x before doubling, [batch, inputs, height, width].</param>
    /// <returns>y, [batch, outputs, 2 · height, 2 · width], bf16 if that is the precision.</returns>
    /// <exception cref="InvalidOperationException">The window is not 3 × 3, or the stride is not 1.</exception>
    public Tensor ForwardDoubled(Tensor input)
    {
        if (_stride != 1 || _padding != 1)
            throw new InvalidOperationException("only a convolution of 3 × 3 and stride 1 is computed so");
        if (!DoublingConvolution.Serves(input))
            return forward(F.interpolate(input, scale_factor: [2, 2], mode: InterpolationMode.Nearest));
        TimedOperation timed = TimedOperation.Begin("doubling convolution", ref input);
        return timed.End(DoublingConvolution.OfDoubled(input, Weight, Bias, _precision));
    }

    /// <summary>The convolution with other weights in place of W.</summary>
    /// <param name="input">x, [batch, inputs, height, width].</param>
    /// <param name="weight">The weights, in the shape of W.</param>
    /// <returns>y, [batch, outputs, height / stride, width / stride], bf16 if that is the precision.</returns>
    public Tensor Apply(Tensor input, Tensor weight)
    {
        TimedOperation timed = TimedOperation.Begin("convolution", ref input);
        (Tensor x, Tensor w, Tensor? b) = RoundedWeights.Operands(_precision, input, weight, Bias);
        return timed.End(Convolutions.Convolve(x, w, b!, _stride, _padding,
            secondOrder: StepContext.Current.SecondOrder));
    }
}
