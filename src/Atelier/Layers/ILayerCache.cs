using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>The state of a layer after the tokens that it has processed, for a batch of sequences.</summary>
public interface ILayerCache : IDisposable
{
    /// <summary>Replaces sequence i by a copy of sequence <c>parents[i]</c>.</summary>
    /// <param name="parents">Indices, [new batch], int64.</param>
    void Select(Tensor parents);
}
