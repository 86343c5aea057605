namespace Atelier.Kernels;

/// <summary>
/// What the loss that this thread computes is to be multiplied by: a layer that computes gradients on the way forward
/// lets them have it at
/// once. It need not heed it, and is told the factor again on the way back.
/// </summary>
internal static class LossWeight
{
    [ThreadStatic]
    private static double? s_current;

    /// <summary>The factor; 1 where nobody says otherwise.</summary>
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
