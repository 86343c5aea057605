using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// x + W₂ f(W₁ norm(x)), forward and backward. The backward pass needs x and W₁ norm(x); it computes norm and
/// activation again, which costs less than storing them.
/// </summary>
/// <param name="norm">The norm before the layer.</param>
/// <param name="layer">The feed-forward layer.</param>
internal sealed unsafe class FeedForwardKernel(Norm norm, FeedForward layer) : IKernelLayer
{
    private const string Name = "feed-forward";
    private readonly KernelNorm _norm = new(norm);

    private int Size => (int)layer.Output.Weight.shape[1];

    /// <inheritdoc/>
    public bool Serves(Tensor x) =>
        KernelLayers.ServeStream(x, layer.Output.Precision) && Size % Bf16.Lanes == 0 && layer.DropoutRate == 0
        && layer.Input.Adapters.Count + layer.Output.Adapters.Count == 0
        && layer.Activation is ActivationName.Gelu or ActivationName.GeluTanh or ActivationName.SwiGlu;

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, Stack<Tensor>? kept)
    {
        using TimedOperation timed = TimedOperation.Begin(Name);
        using var scope = NewDisposeScope();
        int rows = (int)(x.numel() / x.shape[^1]);
        Tensor u = Product(_norm.Of(x).view(rows, -1), layer.Input); // [rows, inner]
        Tensor a = empty([rows, Size], ScalarType.BFloat16);
        using (TimedOperation.Begin("activation"))
            ActivationKernel.Forward(layer.Activation, u.Pointer<ushort>(), a.Pointer<ushort>(), rows, Size);
        Tensor y = Residual.Add(x, Product(a, layer.Output));
        kept?.Push(x.DetachFromDisposeScope());
        kept?.Push(u.DetachFromDisposeScope());
        return y.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient, Stack<Tensor> kept)
    {
        using TimedOperation timed = TimedOperation.Begin(Name);
        using var scope = NewDisposeScope();
        using Tensor u = kept.Pop(), x = kept.Pop();
        int rows = (int)u.shape[0];
        Tensor dy = Residual.Round(gradient).view(rows, -1), da;
        using (TimedOperation.Begin("linear"))
            da = LinearKernel.InputGradient(dy, layer.Output.Weight); // [rows, size]
        using (TimedOperation.Begin("activation"))
            ActivationKernel.Backward(layer.Activation, u.Pointer<ushort>(), da.Pointer<ushort>(), rows, Size);
        (Tensor a, Tensor du) = (da, u); // the kernel has exchanged them
        Tensor normed = _norm.Of(x).view(rows, -1), dNormed;
        using (TimedOperation.Begin("linear"))
        {
            LinearKernel.AddWeightGradients(dy, a, layer.Output.Weight, layer.Output.Bias);
            dNormed = LinearKernel.Backward(du, normed, layer.Input);
        }
        return _norm.Back(x, dNormed, gradient).MoveToOuterDisposeScope();
    }

    private static Tensor Product(Tensor x, Linear linear)
    {
        using TimedOperation timed = TimedOperation.Begin("linear");
        return LinearKernel.Forward(x, linear);
    }
}
