using static TorchSharp.torch;

namespace Atelier.Data;

/// <summary>A batch whose tensors can be copied to the training device ahead of use.</summary>
/// <typeparam name="TBatch">The type of the batch itself.</typeparam>
public interface IMovableBatch<out TBatch>
{
    /// <summary>Returns a new batch with each tensor replaced by its copy. This batch does not change.</summary>
    /// <param name="move">Returns a copy of a tensor on another device.</param>
    TBatch Move(Func<Tensor, Tensor> move);
}
