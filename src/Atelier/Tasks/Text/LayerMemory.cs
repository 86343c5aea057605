using Atelier.Layers;
using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>The memory of a model that keeps something at each of its layers.</summary>
/// <typeparam name="TCache">What a layer keeps.</typeparam>
/// <param name="layerCount">Layers of the model.</param>
internal sealed class LayerMemory<TCache>(int layerCount) : TextMemory
    where TCache : ILayerCache, new()
{
    /// <summary>What each layer keeps, the first layer's first.</summary>
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
