using Atelier.Kernels.Gemm;
using TorchSharp;

namespace Atelier.Kernels;

/// <summary>
/// The path that a plan chooses for the layers of a model. Layers ask here, models do not know. It notes which choices
/// layers met, so that only those that make a difference are measured.
/// </summary>
/// <param name="path">The plan's.</param>
internal sealed class LayerDispatch(LayerPath path)
{
    private volatile bool _hasKernels, _hasTiles, _hasAttention;

    /// <summary>Whether a layer asked that has a fused path and could take it.</summary>
    public bool HasKernels => _hasKernels;

    /// <summary>Whether a fused layer had products that our own kernels compute.</summary>
    public bool HasTiles => _hasTiles;

    /// <summary>Whether there was attention that could be fused.</summary>
    public bool HasAttention => _hasAttention;

    /// <summary>Whether a layer that has a fused path, and could take it here, does so.</summary>
    public static bool FusesLayers()
    {
        if (StepContext.Current.Dispatch is not { } dispatch)
            return true;
        dispatch._hasKernels = true;
        return dispatch.Path is LayerPath.Fused or LayerPath.LibraryProducts;
    }

    /// <summary>Whether such a layer, on the one thread it has, multiplies by our own products.</summary>
    public static bool UsesTiles()
    {
        if (!GemmMicrokernel.IsSupported || StepContext.Current.Dispatch is not { } dispatch)
            return GemmMicrokernel.IsSupported;
        dispatch._hasTiles = true;
        return dispatch.Path == LayerPath.Fused;
    }

    /// <summary>
    /// Whether attention is computed by the tensor library's fused kernel; where no plan says so, on GPUs.
    /// </summary>
    /// <param name="device">Where it is computed.</param>
    public static bool FusesAttention(DeviceType device)
    {
        if (StepContext.Current.Dispatch is not { } dispatch)
            return device == DeviceType.CUDA;
        dispatch._hasAttention = true;
        return dispatch.Path == LayerPath.FusedAttention
            || (device == DeviceType.CUDA && dispatch.Path != LayerPath.Reference);
    }

    private LayerPath Path => path;
}
