using static TorchSharp.torch;

namespace Atelier.Tensors.Profiling;

/// <summary>
/// The identity function, which notifies a callback when its gradient arrives. libtorch visits the nodes of a graph in
/// the reverse order of their creation. A mark before an operation is therefore reached when the operation's backward
/// pass is complete, including the gradients of its weights.
/// </summary>
internal sealed class OperationMark : autograd.SingleTensorFunction<OperationMark>
{
    private const string Told = "told";

    /// <inheritdoc/>
    public override string Name => nameof(OperationMark);

    /// <summary>
    /// Returns an alias of a tensor that calls an action when its gradient arrives; the tensor itself if it needs no
    /// gradient.
    /// </summary>
    public static Tensor Apply(Tensor tensor, Action tell) =>
        tensor.requires_grad && is_grad_enabled() ? apply(tensor, tell) : tensor;

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(Told, vars[1]);
        return ((Tensor)vars[0]).alias();
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ((Action)ctx.get_data(Told))();
        return [grad_output, null!];
    }
}
