using static TorchSharp.torch;

namespace Atelier.Data;

/// <summary>A batch whose tensors can be brought to the device that learns from it, before it is taken.</summary>
/// <typeparam name="TBatch">The batch's own type.</typeparam>
public interface IMovableBatch<out TBatch>
{
    /// <summary>The same batch with each tensor as the function answers it; this one stays as it is.</summary>
    /// <param name="move">Answers a copy of a tensor.</param>
    TBatch Move(Func<Tensor, Tensor> move);
}
