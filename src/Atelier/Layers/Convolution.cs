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
/// A convolution over pictures. The weights are fp32 always; with bf16 precision the product takes bf16 copies of them,
/// as <see cref="Linear"/> does.
/// </summary>
public sealed class Convolution : nn.Module<Tensor, Tensor>
{
    private readonly long _stride;
    private readonly long _padding;
    private readonly Precision _precision;

    /// <summary>Draws W around 0 with variance gain² / (inputs · kernel²) and sets b to 0 (He et al. 2015).</summary>
    /// <param name="inputs">Channels of x.</param>
    /// <param name="outputs">Channels of y.</param>
    /// <param name="kernel">The width of the window, in pixels.</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <param name="random">Draws W.</param>
    /// <param name="gain">0 makes y zero at first.</param>
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
    /// <returns>y, [batch, outputs, height / stride, width / stride], bf16 where the precision is.</returns>
    public override Tensor forward(Tensor input) => Apply(input, Weight);

    /// <summary>The convolution of pictures each place of which was made two by two.</summary>
    /// <param name="input">x before that, [batch, inputs, height, width].</param>
    /// <returns>y, [batch, outputs, 2 · height, 2 · width], bf16 where the precision is.</returns>
    /// <exception cref="InvalidOperationException">The convolution is not one of 3 × 3 and stride 1.</exception>
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
    /// <param name="weight">As W.</param>
    /// <returns>y, [batch, outputs, height / stride, width / stride], bf16 where the precision is.</returns>
    public Tensor Apply(Tensor input, Tensor weight)
    {
        TimedOperation timed = TimedOperation.Begin("convolution", ref input);
        (Tensor x, Tensor w, Tensor b) = _precision == Precision.Bf16
            ? (input.to(ScalarType.BFloat16), RoundedWeights.For(weight), RoundedWeights.For(Bias))
            : (input, weight, (Tensor)Bias);
        return timed.End(Convolutions.Convolve(x, w, b, _stride, _padding,
            secondOrder: StepContext.Current.SecondOrder));
    }
}
