namespace Atelier.Kernels.Gemm;

/// <summary>Panels for as long as this is not disposed.</summary>
/// <param name="panels">They.</param>
/// <param name="isOwn">Whether they are nobody else's, and go with it.</param>
internal readonly struct PanelLease(WeightPanels panels, bool isOwn) : IDisposable
{
    /// <summary>Wᵀ, for x Wᵀ.</summary>
    public Panels Forward => panels.Forward;

    /// <summary>W, for dy W.</summary>
    public Panels Backward => panels.Backward;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (isOwn)
            panels.Dispose();
    }
}
