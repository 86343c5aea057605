using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// A module's tensors. The tensor library knows one by several names where a part was registered twice, by hand and by
/// its field.
/// </summary>
internal static class ModuleTensors
{
    /// <summary>Each tensor under the first of its names.</summary>
    public static IReadOnlyDictionary<string, Tensor> Distinct(nn.Module module) =>
        module.state_dict().DistinctBy(t => t.Value.Handle).ToDictionary(t => t.Key, t => t.Value);
}
