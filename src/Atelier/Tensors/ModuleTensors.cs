using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// Lists the tensors of a module. A tensor has several names if its submodule was registered twice, explicitly and by
/// its field.
/// </summary>
internal static class ModuleTensors
{
    /// <summary>Returns each parameter and buffer once, under the first of its names.</summary>
    public static IReadOnlyDictionary<string, Tensor> Distinct(nn.Module module) =>
        module.state_dict().DistinctBy(t => t.Value.Handle).ToDictionary(t => t.Key, t => t.Value);
}
