using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>What a layer keeps of the tokens that it has read, for sequences side by side.</summary>
public interface ILayerCache : IDisposable
{
    /// <summary>Makes sequence i continue from what sequence <c>parents[i]</c> was.</summary>
    /// <param name="parents">[new batch], int64.</param>
    void Select(Tensor parents);
}
