using Atelier.Training.Execution;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Layers.Kernels;

/// <summary>y = x Wᵀ + b of a <see cref="Linear"/> in bf16, forward and back.</summary>
internal static unsafe class KernelProduct
{
    /// <summary>y.</summary>
    /// <param name="x">[rows, inputs], bf16.</param>
    /// <param name="layer">W and b.</param>
    public static Tensor Forward(Tensor x, Linear layer) =>
        F.linear(x, RoundedWeights.Of(layer.Weight), layer.Bias is null ? null : RoundedWeights.Of(layer.Bias));

    /// <summary>The gradient of x; those of W and b are added to theirs.</summary>
    /// <param name="dy">[rows, outputs], bf16.</param>
    /// <param name="x">As it went in.</param>
    /// <param name="layer">W and b.</param>
    public static Tensor Backward(Tensor dy, Tensor x, Linear layer)
    {
        AddWeightGradients(dy, x, layer.Weight, layer.Bias);
        return InputGradient(dy, layer);
    }

    /// <summary>dx = dy W.</summary>
    public static Tensor InputGradient(Tensor dy, Linear layer) => dy.mm(RoundedWeights.Of(layer.Weight));

    /// <summary>dW = dyᵀ x, and db the sum of dy's rows, where there is a b.</summary>
    public static void AddWeightGradients(Tensor dy, Tensor x, Parameter weight, Parameter? bias)
    {
        if (weight.requires_grad)
            Add(weight, dy.t().mm(x));
        if (bias is not { requires_grad: true })
            return;
        Tensor sums = zeros(bias.shape[0]);
        Bf16.AddRows(dy.Pointer<ushort>(), (int)dy.shape[0], (int)dy.shape[1], sums.Pointer<float>());
        Add(bias, sums);
    }

    /// <summary>Adds to a parameter's gradient, which is fp32.</summary>
    public static void Add(Parameter parameter, Tensor gradient)
    {
        if (!parameter.requires_grad)
            return;
        if (parameter.grad is { } sum)
            sum.add_(gradient, Training.KeptScalars.One);
        else
            parameter.grad = gradient.to(ScalarType.Float32);
    }
}
