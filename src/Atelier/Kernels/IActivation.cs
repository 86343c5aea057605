using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>A function of one number, sixteen at a time, and its slope.</summary>
internal interface IActivation
{
    /// <summary>f(x).</summary>
    static abstract Vector512<float> Value(Vector512<float> x);

    /// <summary>f(x) and f′(x).</summary>
    static abstract (Vector512<float> Value, Vector512<float> Slope) ValueAndSlope(Vector512<float> x);
}
