namespace Atelier.Kernels;

/// <summary>
/// The factor that this thread's loss will be multiplied by. A layer that computes gradients in the forward pass can
/// apply it at once; the backward pass receives the factor again, so a layer may ignore it.
/// </summary>
internal static class LossWeight
{
    [ThreadStatic]
    private static double? s_current;

    /// <summary>The factor; 1 by default.</summary>
    public static double Current => s_current ?? 1;

    /// <summary>Makes a factor this thread's until the answer is disposed.</summary>
    public static IDisposable Use(double factor)
    {
        s_current = factor;
        return new InUse();
    }

    private sealed class InUse : IDisposable
    {
        public void Dispose() => s_current = null;
    }
}
