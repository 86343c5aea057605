using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>max(x, 0).</summary>
internal readonly struct ReluActivation : IActivation
{
    /// <inheritdoc/>
    public static Vector512<float> Value(Vector512<float> x) => Vector512.Max(x, Vector512<float>.Zero);

    /// <inheritdoc/>
    public static (Vector512<float> Value, Vector512<float> Slope) ValueAndSlope(Vector512<float> x) =>
        (Value(x), Vector512.GreaterThan(x, Vector512<float>.Zero).AsSingle() & Vector512<float>.One);
}
