using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// The order of a network's parameters from the input to the output: embeddings have depth 0, the layers of its module
/// lists 1, 2, … in the order of their registration, and what follows a list the depth after it.
/// </summary>
internal sealed class ParameterDepths
{
    private readonly Dictionary<string, int> _layers = []; // by their paths, such as "blocks.3"
    private readonly Dictionary<string, int> _others = []; // parameters outside of lists, by name
    private readonly string[] _lists; // paths of the module lists, the outermost first

    public ParameterDepths(nn.Module network)
    {
        _lists = [.. network.named_modules().Where(m => m.module is IEnumerable<nn.Module>).Select(m => m.name + '.')
            .OrderBy(name => name.Length)];
        string[] embeddings = [.. network.named_modules().Where(m => m.module is Layers.Embedding or Embedding)
            .Select(m => m.name + '.')];
        foreach ((string name, _) in network.named_parameters())
        {
            bool isEmbedding = embeddings.Any(path => name.StartsWith(path, StringComparison.Ordinal));
            if (LayerOf(name) is { } layer)
                _layers.TryAdd(layer, _layers.Count + 1);
            else
                _others[name] = isEmbedding || _layers.Count == 0 ? 0 : _layers.Count + 1;
            if (isEmbedding)
                Embeddings.Add(name);
        }
        Deepest = _layers.Values.Concat(_others.Values).DefaultIfEmpty(0).Max();
    }

    /// <summary>The number of layers in lists.</summary>
    public int LayerCount => _layers.Count;

    /// <summary>The greatest depth.</summary>
    public int Deepest { get; }

    /// <summary>The names of the embeddings' parameters.</summary>
    public HashSet<string> Embeddings { get; } = [];

    /// <summary>Returns the depth of a parameter, or of an adapter's parameter in one of the layers.</summary>
    public int Of(string name) => LayerOf(name) is { } layer ? _layers[layer] : _others.GetValueOrDefault(name);

    /// <summary>Whether a parameter belongs to a layer of a list.</summary>
    public bool IsInLayer(string name) => LayerOf(name) is not null;

    private string? LayerOf(string name)
    {
        foreach (string list in _lists)
        {
            if (name.StartsWith(list, StringComparison.Ordinal)
                && name.IndexOf('.', list.Length) is > 0 and int end)
                return name[..end];
        }
        return null;
    }
}
