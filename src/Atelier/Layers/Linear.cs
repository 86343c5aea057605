using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>
/// y = x Wᵀ + b. The weights are always fp32; in bf16 precision, the product takes bf16 copies of x and of the weights,
/// and y is bf16, as with automatic mixed precision (Kalamkar et al. 2019).
/// </summary>
public sealed class Linear : nn.Module<Tensor, Tensor>
{
    /// <summary>Draws W from a normal distribution with mean 0, and sets b to 0.</summary>
    /// <param name="inputs">The width of x.</param>
    /// <param name="outputs">The width of y.</param>
    /// <param name="bias">Whether to add b.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <param name="deviation">The standard deviation of W.</param>
    /// <param name="random">Draws W.</param>
    public Linear(long inputs, long outputs, bool bias, Precision precision, double deviation, Generator random)
        : base(nameof(Linear))
    {
        Precision = precision;
        Weight = new Parameter(empty(outputs, inputs).normal_(0, deviation, random));
        Bias = bias ? new Parameter(zeros(outputs)) : null;
        register_parameter("weight", Weight);
        if (Bias is not null)
            register_parameter("bias", Bias);
    }

    /// <summary>W, [outputs, inputs], fp32.</summary>
    [field: ComponentName(Name = "weight")]
    public Parameter Weight { get; }

    /// <summary>b, [outputs], fp32, or null.</summary>
    [field: ComponentName(Name = "bias")]
    public Parameter? Bias { get; }

    /// <summary>The precision of the product.</summary>
    internal Precision Precision { get; }

    /// <summary>The adapters that change the product; fused kernels do not compute them.</summary>
    internal List<LowRankAdapter> Adapters { get; } = [];

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        Tensor y = Product(input, Weight, Bias, Precision);
        foreach (LowRankAdapter adapter in Adapters)
            adapter.AddTo(y, input);
        return y;
    }

    /// <summary>
    /// x Wᵀ + b in a precision; for weights of other layers, such as a head that shares those of an embedding.
    /// </summary>
    /// <param name="input">x, [..., inputs].</param>
    /// <param name="weight">W, [outputs, inputs].</param>
    /// <param name="bias">b, [outputs], or null.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <returns>y, [..., outputs], bf16 if that is the precision.</returns>
    public static Tensor Product(Tensor input, Tensor weight, Tensor? bias, Precision precision)
    {
        TimedOperation timed = TimedOperation.Begin("linear", ref input);
        (Tensor x, Tensor w, Tensor? b) = RoundedWeights.Operands(precision, input, weight, bias);
        return timed.End(F.linear(x, w, b));
    }
}
