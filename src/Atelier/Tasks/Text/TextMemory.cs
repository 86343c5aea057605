using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>
/// The state of a model for several sequences: the keys and values of attention, or a recurrent hidden state.
/// </summary>
public abstract class TextMemory : IDisposable
{
    /// <summary>Replaces the sequences: new sequence i continues from old sequence <c>parents[i]</c>.</summary>
    /// <param name="parents">The indices of old sequences, [new sequences], int64, on the model's device.</param>
    public abstract void Select(Tensor parents);

    /// <inheritdoc/>
    public abstract void Dispose();
}
