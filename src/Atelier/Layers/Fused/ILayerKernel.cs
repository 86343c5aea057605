using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>The layer inside a <see cref="ResidualKernel"/>, from rows of bf16 to rows of bf16.</summary>
internal interface ILayerKernel
{
    /// <summary>The name in profiles.</summary>
    string Name { get; }

    /// <summary>Whether the kernel can be used for x.</summary>
    /// <param name="x">The residual stream, [batch, time, width].</param>
    /// <param name="context">The other inputs.</param>
    bool Serves(Tensor x, KernelContext context);

    /// <summary>The forward pass.</summary>
    /// <param name="input">[batch, time, width], bf16.</param>
    /// <param name="context">The other inputs.</param>
    /// <param name="kept">Receives the tensors that the backward pass needs except the input, detached from dispose
    /// scopes; null without a backward pass.</param>
    /// <returns>[batch · time, width], bf16.</returns>
    Tensor Forward(Tensor input, KernelContext context, Stack<Tensor>? kept);

    /// <summary>The backward pass; adds the gradients of parameters to theirs.</summary>
    /// <param name="gradient">The gradient of the result, [batch · time, width], bf16.</param>
    /// <param name="input">The input of the forward pass.</param>
    /// <param name="context">The other inputs.</param>
    /// <param name="kept">The tensors of the forward pass; the method pops its own and disposes them.</param>
    /// <returns>The gradient of the input, [batch · time, width], bf16.</returns>
    Tensor Backward(Tensor gradient, Tensor input, KernelContext context, Stack<Tensor> kept);
}
