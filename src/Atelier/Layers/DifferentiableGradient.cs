using Atelier.Kernels;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>Gradients that can be differentiated again, as losses on gradients need.</summary>
public static class DifferentiableGradient
{
    /// <summary>The gradient of a function at x. Its own gradients, of second order, flow to the parameters.</summary>
    /// <param name="function">Computes a scalar from x.</param>
    /// <param name="x">Where the gradient is taken; no gradient flows back to it.</param>
    /// <returns>The shape of x.</returns>
    public static Tensor Of(Func<Tensor, Tensor> function, Tensor x)
    {
        Tensor at = x.detach().requires_grad_(true);
        using IDisposable context = (StepContext.Current with { SecondOrder = true }).Use();
        return autograd.grad([function(at)], [at], retain_graph: true, create_graph: true)[0];
    }
}
