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

    /// <summary>
    /// Returns the error function, with an error below 3.1e-7: x P(x²) / Q(x²), fitted to the relative error for |x| up
    /// to 3.925, where it is 1 in single precision.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Erf(TVector x)
    {
        TVector minus = TLanes.Max(TLanes.Multiply(TLanes.Abs(x), TLanes.Broadcast(-1)), TLanes.Broadcast(-3.925f));
        TVector square = TLanes.Multiply(minus, minus);
        TVector p = TLanes.MultiplyAdd(TLanes.Broadcast(2.04606454e-06f), square, TLanes.Broadcast(0.000284839014f));
        p = TLanes.MultiplyAdd(p, square, TLanes.Broadcast(0.0037723498f));
        p = TLanes.MultiplyAdd(p, square, TLanes.Broadcast(0.0527686886f));
        p = TLanes.MultiplyAdd(p, square, TLanes.Broadcast(0.190589085f));
        p = TLanes.MultiplyAdd(p, square, TLanes.Broadcast(1.12837911f));
        TVector q = TLanes.MultiplyAdd(TLanes.Broadcast(3.80479214e-05f), square, TLanes.Broadcast(0.00116380898f));
        q = TLanes.MultiplyAdd(q, square, TLanes.Broadcast(0.0149827991f));
        q = TLanes.MultiplyAdd(q, square, TLanes.Broadcast(0.114180796f));
        q = TLanes.MultiplyAdd(q, square, TLanes.Broadcast(0.502237916f));
        q = TLanes.MultiplyAdd(q, square, TLanes.Broadcast(1));
        return TLanes.CopySign(TLanes.Divide(TLanes.Multiply(minus, p), q), x);
    }
}
