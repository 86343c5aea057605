using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// A fused layer, which computes its forward and backward pass in a few large steps. <see cref="KernelLayers"/> runs
/// such layers one after another. The backward pass adds to the gradients of the parameters. Kernels' loops are
/// optimized when they are first compiled (AggressiveOptimization), since plans are measured in the first steps.
/// </summary>
internal interface IKernelLayer
{
    /// <summary>Goes forward.</summary>
    /// <param name="x">[rows, width].</param>
    /// <param name="kept">Receives the tensors that the backward pass needs, including x, detached from dispose scopes;
    /// null without a backward pass.</param>
    /// <returns>The result, in the caller's dispose scope.</returns>
    Tensor Forward(Tensor x, Stack<Tensor>? kept);

    /// <summary>Goes back.</summary>
    /// <param name="gradient">That of the result.</param>
    /// <param name="kept">Gives what was kept, the last first; whoever takes it disposes it.</param>
    /// <returns>The gradient of x, in the caller's dispose scope.</returns>
    Tensor Backward(Tensor gradient, Stack<Tensor> kept);
}
