using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// Runs a layer of gated recurrent units from a given state as a single operator of automatic differentiation.
/// </summary>
internal sealed class GruFromState : autograd.SingleTensorFunction<GruFromState>
{
    private const string Kernel = "kernel", Kept = "kept";

    /// <inheritdoc/>
    public override string Name => nameof(GruFromState);

    /// <summary>Computes the states at all positions, [batch, time, width], bf16.</summary>
    /// <param name="x">The input, [batch, time, input].</param>
    /// <param name="state">The state before the first position, [1, batch, width].</param>
    /// <param name="kernel">The layer.</param>
    public static Tensor Run(Tensor x, Tensor state, GruKernel kernel)
    {
        if (!is_grad_enabled())
            return kernel.Forward(x, state, null);
        // the backward pass runs only if an argument requires gradients, and parameters are not arguments
        return apply(x.requires_grad || state.requires_grad ? x : x.detach().requires_grad_(true), state, kernel);
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var kernel = (GruKernel)vars[2];
        var kept = new Stack<Tensor>();
        ctx.save_data(Kernel, kernel);
        ctx.save_data(Kept, kept);
        return kernel.Forward((Tensor)vars[0], (Tensor)vars[1], kept);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using Tensor gradient = grad_output.contiguous();
        (Tensor x, Tensor? state) = ((GruKernel)ctx.get_data(Kernel))
            .Backward(gradient, (Stack<Tensor>)ctx.get_data(Kept), toState: true);
        return [x, state!, null!];
    }
}
