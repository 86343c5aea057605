using static TorchSharp.torch;

namespace Atelier.Tensors.Profiling;

/// <summary>
/// The identity function, which records when the gradient passes. libtorch goes back through the nodes of a graph in
/// the reverse of the order in which they were made, so that a mark before an operation is passed when all of the
/// operation, the gradients of its weights too, is done.
/// </summary>
internal sealed class OperationMark : autograd.SingleTensorFunction<OperationMark>
{
    private const string Told = "told";

    /// <inheritdoc/>
    public override string Name => nameof(OperationMark);

    /// <summary>
    /// An alias of a tensor that records when its gradient arrives; the tensor itself if it has none.
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
