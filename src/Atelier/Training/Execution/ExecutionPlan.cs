using Atelier.Kernels;

namespace Atelier.Training.Execution;

/// <summary>How a training step is carried out on this machine.</summary>
/// <param name="Replicas">Copies of the model that share a batch's rows.</param>
/// <param name="Threads">The tensor library's threads of each.</param>
/// <param name="Layers">How layers are carried out where there is a choice.</param>
public sealed record ExecutionPlan(int Replicas, int Threads, LayerPath Layers = LayerPath.Fused)
{
    /// <summary>One model on all the threads there are.</summary>
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
