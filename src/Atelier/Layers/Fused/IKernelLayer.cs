using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// A fused layer, with a forward and a backward pass of few large steps; <see cref="KernelLayers"/> runs such layers
/// one after another. The backward pass adds the gradients of parameters to theirs. The loops of kernels are compiled
/// with full optimization at once (AggressiveOptimization), since execution plans are measured in the first steps.
/// </summary>
internal interface IKernelLayer
{
    /// <summary>Whether the kernel can be used for x.</summary>
    /// <param name="x">The input.</param>
    /// <param name="context">The other inputs.</param>
    bool Serves(Tensor x, KernelContext context);

    /// <summary>The forward pass.</summary>
    /// <param name="x">[..., width].</param>
    /// <param name="context">The other inputs.</param>
    /// <param name="kept">Receives the tensors that the backward pass needs, including x, detached from dispose scopes;
    /// null without a backward pass.</param>
    /// <returns>The result, in the caller's dispose scope.</returns>
    Tensor Forward(Tensor x, KernelContext context, Stack<Tensor>? kept);

    /// <summary>The backward pass.</summary>
    /// <param name="gradient">The gradient of the result.</param>
    /// <param name="context">The other inputs.</param>
    /// <param name="kept">The tensors of the forward pass; the method pops its own, the last first, and disposes
    /// them.</param>
    /// <returns>The gradient of x, in the caller's dispose scope.</returns>
    Tensor Backward(Tensor gradient, KernelContext context, Stack<Tensor> kept);
}
