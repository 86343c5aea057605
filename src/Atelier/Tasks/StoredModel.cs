using Atelier.Formats;
using static TorchSharp.torch;

namespace Atelier.Tasks;

/// <summary>A finished model as it is stored.</summary>
/// <param name="Config">Its configuration in config.json.</param>
/// <param name="Tensors">Its weights by name. The caller disposes them.</param>
/// <param name="Where">Their file, for errors.</param>
/// <param name="Device">"cpu" or "cuda".</param>
internal sealed record StoredModel(ConfigFile Config, IReadOnlyDictionary<string, Tensor> Tensors, string Where,
    string Device)
{
    /// <summary>
    /// Returns the model that is stored within this one: an object of config.json, and the tensors with a prefix; null
    /// if there is no such object.
    /// </summary>
    public StoredModel? Within(string key, string prefix) =>
        Config.Section(key) is not { } inner ? null : this with
    {
        Config = inner,
        Tensors = Tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(t => t.Key[prefix.Length..], t => t.Value),
    };
}
