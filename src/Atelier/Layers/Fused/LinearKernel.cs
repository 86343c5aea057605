using Atelier.Kernels;
using Atelier.Kernels.Gemm;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers.Fused;

/// <summary>
/// y = x Wᵀ + b in bf16, forward and backward, by <see cref="Bf16Product"/> if the processor has the instructions and
/// the widths are of whole registers, otherwise by the tensor library.
/// </summary>
internal static unsafe class LinearKernel
{
    /// <summary>y.</summary>
    /// <param name="x">[rows, inputs], bf16.</param>
    /// <param name="layer">W and b.</param>
    /// <exception cref="InvalidOperationException">The layer has adapters, which the kernel would ignore.</exception>
    public static Tensor Forward(Tensor x, Linear layer)
    {
        using TimedOperation timed = TimedOperation.Begin("linear");
        return layer.Adapters.Count == 0 ? Forward(x, layer.Weight, layer.Bias)
            : throw new InvalidOperationException("a fused kernel does not compute adapters");
    }

    /// <summary>y.</summary>
    /// <param name="x">[rows, inputs], bf16.</param>
    /// <param name="weight">W, [outputs, inputs], fp32.</param>
    /// <param name="bias">b, [outputs], fp32, or null.</param>
    public static Tensor Forward(Tensor x, Parameter weight, Parameter? bias)
    {
        if (!IsOurs(weight))
            return F.linear(x, RoundedWeights.Of(weight), bias is null ? null : RoundedWeights.Of(bias));
        (int rows, int inputs, int outputs) = ((int)x.shape[0], (int)weight.shape[1], (int)weight.shape[0]);
        Tensor y = empty([rows, outputs], ScalarType.BFloat16);
        using PanelLease panels = RoundedWeights.PanelsOf(weight);
        Bf16Product.Run(x.Pointer<ushort>(), inputs, panels.Forward, bias.PointerOrNull<float>(), GemmOutput.Bf16,
            y.Pointer<ushort>(), outputs, rows);
        return y;
    }

    /// <summary>The gradient of x; adds the gradients of W and b.</summary>
    /// <param name="dy">[rows, outputs], bf16.</param>
    /// <param name="x">The input.</param>
    /// <param name="layer">W and b.</param>
    public static Tensor Backward(Tensor dy, Tensor x, Linear layer)
    {
        AddWeightGradients(dy, x, layer.Weight, layer.Bias);
        return InputGradient(dy, layer.Weight);
    }

    /// <summary>dx = dy W, bf16.</summary>
    public static Tensor InputGradient(Tensor dy, Parameter weight)
    {
        if (!IsOurs(weight))
            return dy.mm(RoundedWeights.Of(weight));
        Tensor dx = empty([dy.shape[0], weight.shape[1]], ScalarType.BFloat16);
        InputGradient(dy, weight, GemmOutput.Bf16, dx.Pointer<ushort>());
        return dx;
    }

    /// <summary>Adds dy W to a sum in fp32, [rows, inputs].</summary>
    public static void AddInputGradient(Tensor dy, Parameter weight, Tensor sum)
    {
        if (IsOurs(weight))
        {
            InputGradient(dy, weight, GemmOutput.Added, sum.Pointer<float>());
            return;
        }
        using Tensor dx = dy.mm(RoundedWeights.Of(weight));
        Bf16.Add(sum.Pointer<float>(), dx.Pointer<ushort>(), sum.Pointer<float>(), sum.numel());
    }

    /// <summary>Adds dW = dyᵀ x and, if there is a b, db = Σ dy over the rows to their gradients.</summary>
    public static void AddWeightGradients(Tensor dy, Tensor x, Parameter weight, Parameter? bias)
    {
        if (weight.requires_grad && IsOurs(weight))
        {
            (int rows, int outputs, int inputs) = ((int)dy.shape[0], (int)weight.shape[0], (int)weight.shape[1]);
            using Tensor? before = weight.grad;
            using Tensor sum = before?.alias() ?? empty_like(weight, requires_grad: false);
            Bf16Product.RunTransposed(dy.Pointer<ushort>(), outputs, outputs, x.Pointer<ushort>(), inputs, inputs, rows,
                before is null ? GemmOutput.Single : GemmOutput.Added, sum.Pointer<float>());
            if (before is null)
                weight.grad = sum;
        }
        else if (weight.requires_grad)
        {
            Add(weight, dy.t().mm(x));
        }
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
            sum.add_(gradient, KeptScalars.One);
        else
            parameter.grad = gradient.to(ScalarType.Float32);
    }

    private static bool IsOurs(Tensor weight) =>
        LayerDispatch.UsesTiles() && weight.shape[0] % Bf16.Lanes == 0 && weight.shape[1] % Bf16.Lanes == 0;

    private static void InputGradient(Tensor dy, Parameter weight, GemmOutput output, void* dx)
    {
        using PanelLease panels = RoundedWeights.PanelsOf(weight);
        Bf16Product.Run(dy.Pointer<ushort>(), weight.shape[0], panels.Backward, null, output, dx, weight.shape[1],
            (int)dy.shape[0]);
    }
}
