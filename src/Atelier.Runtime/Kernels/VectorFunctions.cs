using System.Runtime.CompilerServices;

namespace Atelier.Kernels;

/// <summary>Functions of vectors, computed with the exponential.</summary>
internal static class VectorFunctions<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Returns tanh(x) = sign(x) (1 − e) / (1 + e) with e = exp(−2 |x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh(TVector x)
    {
        TVector one = TLanes.Broadcast(1), e = TLanes.Exp(TLanes.Multiply(TLanes.Abs(x), TLanes.Broadcast(-2)));
        return TLanes.CopySign(TLanes.Divide(TLanes.MultiplyAdd(e, TLanes.Broadcast(-1), one), TLanes.Add(one, e)), x);
    }

    /// <summary>
    /// Returns x Φ(x), or its approximation 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks and Gimpel 2016).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Gelu(TVector x, bool tanh)
    {
        TVector half = TLanes.Multiply(x, TLanes.Broadcast(0.5f));
        TVector cube = TLanes.Multiply(TLanes.Multiply(x, x), x);
        TVector factor = tanh
            ? Tanh(TLanes.Multiply(TLanes.MultiplyAdd(cube, TLanes.Broadcast(0.044715f), x),
                TLanes.Broadcast(0.7978845608f)))
            : Erf(TLanes.Multiply(x, TLanes.Broadcast(0.7071067811865476f)));
        return TLanes.MultiplyAdd(half, factor, half);
    }

    /// <summary>Returns the error function, with an error below 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Erf(TVector x)
    {
        TVector one = TLanes.Broadcast(1), magnitude = TLanes.Abs(x);
        TVector t = TLanes.Divide(one, TLanes.MultiplyAdd(magnitude, TLanes.Broadcast(0.3275911f), one));
        TVector sum = TLanes.MultiplyAdd(t, TLanes.Broadcast(1.061405429f), TLanes.Broadcast(-1.453152027f));
        sum = TLanes.MultiplyAdd(sum, t, TLanes.Broadcast(1.421413741f));
        sum = TLanes.MultiplyAdd(sum, t, TLanes.Broadcast(-0.284496736f));
        sum = TLanes.Multiply(TLanes.MultiplyAdd(sum, t, TLanes.Broadcast(0.254829592f)), t);
        TVector e = TLanes.Exp(TLanes.Multiply(TLanes.Multiply(x, x), TLanes.Broadcast(-1)));
        return TLanes.CopySign(TLanes.MultiplyAdd(TLanes.Multiply(sum, TLanes.Broadcast(-1)), e, one), x);
    }
}
