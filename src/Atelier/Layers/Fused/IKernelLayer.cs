using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// A fused layer, forward and back in few large steps: <see cref="KernelLayers"/> runs such layers one after another.
/// The gradients of its parameters are added to theirs on the way back. The loops of kernels are optimized when they
/// are first met (AggressiveOptimization), since a plan is measured in the first steps.
/// </summary>
internal interface IKernelLayer
{
    /// <summary>Whether the kernel can take x, and serves here.</summary>
    /// <param name="x">What would go in.</param>
    bool Serves(Tensor x);

    /// <summary>Goes forward.</summary>
    /// <param name="x">[rows, width].</param>
    /// <param name="kept">Receives the tensors that the backward pass needs, including x, detached from dispose scopes;
    /// null without a backward pass.</param>
    /// <returns>The result, in the caller's dispose scope.</returns>
    Tensor Forward(Tensor x, Stack<Tensor>? kept);

    /// <summary>The backward pass.</summary>
    /// <param name="gradient">That of the result.</param>
    /// <param name="kept">Gives what was kept, the last first; whoever takes it disposes it.</param>
    /// <returns>The gradient of x, in the caller's dispose scope.</returns>
    Tensor Backward(Tensor gradient, Stack<Tensor> kept);
}
