using Atelier.Layers;
using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>The memory of a model with a cache for each of its layers.</summary>
/// <typeparam name="TCache">The type of a layer's cache.</typeparam>
/// <param name="layerCount">The number of layers.</param>
internal sealed class LayerMemory<TCache>(int layerCount) : TextMemory
    where TCache : ILayerCache, new()
{
    /// <summary>The cache of each layer, from first to last.</summary>
    public IReadOnlyList<TCache> Layers { get; } = [.. Enumerable.Range(0, layerCount).Select(_ => new TCache())];

    /// <inheritdoc/>
    public override void Select(Tensor parents)
    {
        foreach (TCache layer in Layers)
            layer.Select(parents);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (TCache layer in Layers)
            layer.Dispose();
    }
}
