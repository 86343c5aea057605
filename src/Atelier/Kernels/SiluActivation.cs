using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>x σ(x), the gate of SwiGLU (Shazeer 2020).</summary>
internal readonly struct SiluActivation : IActivation
{
    /// <inheritdoc/>
    public static Vector512<float> Value(Vector512<float> x) => x * VectorMath.Sigmoid(x);

    /// <inheritdoc/>
    public static (Vector512<float> Value, Vector512<float> Slope) ValueAndSlope(Vector512<float> x)
    {
        Vector512<float> sigmoid = VectorMath.Sigmoid(x);
        return (x * sigmoid, Vector512.FusedMultiplyAdd(x * sigmoid, Vector512<float>.One - sigmoid, sigmoid));
    }
}
