using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>
/// x Φ(x), whose slope is Φ(x) + x φ(x) (Hendrycks and Gimpel 2016), with the distribution's tails by Abramowitz and
/// Stegun 1964, 7.1.26, to 1e-7.
/// </summary>
internal readonly struct GeluActivation : IActivation
{
    /// <inheritdoc/>
    public static Vector512<float> Value(Vector512<float> x) => x * Normal(x).Distribution;

    /// <inheritdoc/>
    public static (Vector512<float> Value, Vector512<float> Slope) ValueAndSlope(Vector512<float> x)
    {
        (Vector512<float> distribution, Vector512<float> density) = Normal(x);
        return (x * distribution, Vector512.FusedMultiplyAdd(x, density, distribution));
    }

    /// <summary>
    /// Φ and φ of the normal distribution. With z = |x|/√2 and t = 1/(1 + p z), 1 − Φ(|x|) is half a polynomial in t
    /// times exp(−z²).
    /// </summary>
    private static (Vector512<float> Distribution, Vector512<float> Density) Normal(Vector512<float> x)
    {
        Vector512<float> one = Vector512<float>.One;
        Vector512<float> bell = VectorMath.Exp(x * x * Vector512.Create(-0.5f)); // exp(−z²)
        Vector512<float> t =
            one / Vector512.FusedMultiplyAdd(Vector512.Abs(x), Vector512.Create(0.3275911f * 0.70710678f), one);
        Vector512<float> tail = Vector512.Create(0.5f * 1.061405429f);
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(0.5f * -1.453152027f));
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(0.5f * 1.421413741f));
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(0.5f * -0.284496736f));
        tail = Vector512.FusedMultiplyAdd(tail, t, Vector512.Create(0.5f * 0.254829592f));
        tail = tail * t * bell;
        Vector512<float> distribution =
            Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), tail, one - tail);
        return (distribution, bell * Vector512.Create(0.39894228f)); // 1/√(2π)
    }
}
