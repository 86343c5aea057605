using Atelier.Kernels.Gemm;
using TorchSharp;

namespace Atelier.Kernels;

/// <summary>
/// Chooses the implementation of layers in a copy of a model, by the execution plan: layers ask here, models do not
/// know of it. Records which choices were asked for, so that only those that matter are measured.
/// </summary>
/// <param name="path">The plan's.</param>
internal sealed class LayerDispatch(LayerPath path)
{
    [ThreadStatic]
    private static LayerDispatch? s_current;
    private volatile bool _hasKernels, _hasTiles, _hasAttention;

    /// <summary>Whether a layer asked that has a fused path and could use it.</summary>
    public bool HasKernels => _hasKernels;

    /// <summary>Whether fused layers had matrix products that our own kernels can compute.</summary>
    public bool HasTiles => _hasTiles;

    /// <summary>Whether there was attention that could be fused.</summary>
    public bool HasAttention => _hasAttention;

    /// <summary>Whether a layer with a fused path uses it here.</summary>
    public static bool WritesOut()
    {
        if (s_current is not { } ways)
            return true;
        ways._hasKernels = true;
        return ways.Path is LayerPath.Fused or LayerPath.LibraryProducts;
    }

    /// <summary>Whether such a layer, on the one thread it has, multiplies by our own products.</summary>
    public static bool UsesTiles()
    {
        if (!GemmMicrokernel.IsSupported || s_current is not { } ways)
            return GemmMicrokernel.IsSupported;
        ways._hasTiles = true;
        return ways.Path == LayerPath.Fused;
    }

    /// <summary>Whether attention uses the tensor library's fused kernel; without a plan, on GPUs.</summary>
    /// <param name="device">Where it is computed.</param>
    public static bool FusesAttention(DeviceType device)
    {
        if (s_current is not { } ways)
            return device == DeviceType.CUDA;
        ways._hasAttention = true;
        return ways.Path == LayerPath.FusedAttention || (device == DeviceType.CUDA && ways.Path != LayerPath.Reference);
    }

    private LayerPath Path => path;

    /// <summary>Makes these this thread's until the answer is disposed.</summary>
    public IDisposable Use()
    {
        s_current = this;
        return new InUse();
    }

    private sealed class InUse : IDisposable
    {
        public void Dispose() => s_current = null;
    }
}
