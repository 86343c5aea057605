using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>The state of a model for several sequences: keys and values, or a hidden state.</summary>
public abstract class TextMemory : IDisposable
{
    /// <summary>Makes sequence i go on from what sequence <c>parents[i]</c> was.</summary>
    /// <param name="parents">[new sequences], int64, on the model's device.</param>
    public abstract void Select(Tensor parents);

    /// <inheritdoc/>
    public abstract void Dispose();
}
