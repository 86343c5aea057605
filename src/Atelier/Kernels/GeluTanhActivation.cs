using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>
/// GELU in its tanh form, x (1 + tanh u)/2 = x σ(2u) with u = √(2/π) (x + 0.044715 x³) (Hendrycks and Gimpel 2016,
/// section 2).
/// </summary>
internal readonly struct GeluTanhActivation : IActivation
{
    private const float Factor = 2 * 0.7978845608f, Cubic = 0.044715f;

    /// <inheritdoc/>
    public static Vector512<float> Value(Vector512<float> x) => x * VectorMath.Sigmoid(Doubled(x));

    /// <inheritdoc/>
    public static (Vector512<float> Value, Vector512<float> Slope) ValueAndSlope(Vector512<float> x)
    {
        Vector512<float> sigmoid = VectorMath.Sigmoid(Doubled(x));
        // (2u)′
        Vector512<float> inner =
            Vector512.FusedMultiplyAdd(x * x, Vector512.Create(3 * Cubic * Factor), Vector512.Create(Factor));
        return (x * sigmoid,
            Vector512.FusedMultiplyAdd(x * inner, sigmoid * (Vector512<float>.One - sigmoid), sigmoid));
    }

    /// <summary>2u.</summary>
    private static Vector512<float> Doubled(Vector512<float> x) =>
        x * Vector512.FusedMultiplyAdd(x * x, Vector512.Create(Cubic * Factor), Vector512.Create(Factor));
}
