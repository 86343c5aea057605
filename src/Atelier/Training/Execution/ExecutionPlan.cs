using Atelier.Kernels;

namespace Atelier.Training.Execution;

/// <summary>How a training step is executed on this machine.</summary>
/// <param name="Replicas">The number of copies of the model among which the rows of a batch are divided.</param>
/// <param name="Threads">The number of threads of the tensor library for each copy.</param>
/// <param name="Layers">The path of layers that have a choice.</param>
public sealed record ExecutionPlan(int Replicas, int Threads, LayerPath Layers = LayerPath.Fused)
{
    /// <summary>The plan with one model on all threads.</summary>
    public static ExecutionPlan Undivided => new(1, TorchSharp.torch.get_num_threads());

    /// <inheritdoc/>
    public override string ToString()
    {
        string division = Replicas == 1
            ? $"each operation uses {Quantity.Of(Threads, "thread")}"
            : $"{Replicas} copies of the model share each batch, {Quantity.Of(Threads, "thread")} each";
        return Layers switch
        {
            LayerPath.LibraryProducts => division + ", matrix products by the tensor library",
            LayerPath.Reference => division + ", layers from the tensor library's operators",
            LayerPath.FusedAttention => division + ", layers from the tensor library's operators with fused attention",
            _ => division,
        };
    }
}
