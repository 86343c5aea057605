using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// A place for an adapter: a linear layer of attention or of a feed-forward layer, or the rows of one that the files of
/// the model hold as a layer of its own, such as the queries.
/// </summary>
/// <param name="Name">The name in the files of the model, such as "model.layers.0.self_attn.q_proj".</param>
/// <param name="Module">The path of the layer in the network.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Start">The first row.</param>
/// <param name="Count">The number of rows.</param>
/// <param name="IsAttention">Whether the layer belongs to attention.</param>
/// <param name="IsTransposed">Whether the files store the weights as [inputs, outputs].</param>
internal sealed record AdapterSite(string Name, string Module, Linear Layer, long Start, long Count, bool IsAttention,
    bool IsTransposed)
{
    private const string Weight = ".weight";

    /// <summary>Returns the linear layers of attention and feed-forward layers, by their paths.</summary>
    public static IReadOnlyDictionary<string, (Linear Layer, bool IsAttention)> LayersOf(nn.Module network) =>
        network.named_modules().Where(m => m.module is MultiHeadAttention or FeedForward)
            .SelectMany(m => m.module.named_children().Where(child => child.module is Linear)
                .Select(child => (Path: $"{m.name}.{child.name}", Layer: (Linear)child.module,
                    IsAttention: m.module is MultiHeadAttention)))
            .DistinctBy(found => found.Layer)
            .ToDictionary(found => found.Path, found => (found.Layer, found.IsAttention));

    /// <summary>Returns all places of a model.</summary>
    /// <param name="network">The model, on the CPU.</param>
    /// <param name="published">The names of the model's files, each with a view of a weight.</param>
    public static unsafe IReadOnlyList<AdapterSite> Of(nn.Module network,
        IEnumerable<(string Name, Tensor View)> published)
    {
        using var scope = NewDisposeScope();
        var sites = new List<AdapterSite>();
        var views = published.Where(p => p.Name.EndsWith(Weight, StringComparison.Ordinal) && p.View.dim() == 2)
            .Select(p => (p.Name, Matrix: p.View.is_contiguous() ? p.View : p.View.t(), p.View)).ToList();
        foreach ((string path, (Linear layer, bool isAttention)) in LayersOf(network))
        {
            nint place = (nint)layer.Weight.Pointer<float>();
            long inputs = layer.Weight.shape[1], rowBytes = inputs * sizeof(float);
            foreach ((string name, Tensor matrix, Tensor view) in views)
            {
                nint at = (nint)matrix.Pointer<float>();
                if (at >= place && at < place + (layer.Weight.numel() * sizeof(float)))
                    sites.Add(new AdapterSite(name[..^Weight.Length], path, layer, (at - place) / rowBytes,
                        matrix.numel() / inputs, isAttention, !ReferenceEquals(matrix, view)));
            }
        }
        return sites;
    }

    /// <summary>Whether a target of a recipe means this place.</summary>
    public bool IsMeant(string target) => target switch
    {
        "attention" => IsAttention,
        "feed-forward" => !IsAttention,
        _ => Name == target || Name.EndsWith('.' + target, StringComparison.Ordinal),
    };

    /// <summary>The end of the name, with a number of parts.</summary>
    public string Ending(int parts) => string.Join('.', Name.Split('.').TakeLast(parts));
}
