namespace Atelier.Kernels;

/// <summary>
/// Single-precision numbers side by side in one register: what kernels over floats are written in, once for every
/// width. The plain path is one number wide.
/// </summary>
/// <typeparam name="TVector">The register.</typeparam>
internal unsafe interface ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Numbers side by side.</summary>
    static abstract int Count { get; }

    static abstract TVector Load(float* source);

    /// <summary>Widens bfloat16: its bits are the upper half of a float's.</summary>
    static abstract TVector LoadBFloat16(ushort* source);

    /// <summary>
    /// Widens half precision, subnormals included; infinities and NaN become large numbers, as no weight is either.
    /// </summary>
    static abstract TVector LoadHalf(ushort* source);

    static abstract void Store(TVector value, float* destination);

    /// <summary>
    /// Writes the nearest whole numbers, of two the even ones, as bytes, and gives their sum; none is beyond ±127.
    /// </summary>
    static abstract int StoreRounded(TVector value, sbyte* destination);

    static abstract TVector Broadcast(float value);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Multiply(TVector a, TVector b);

    static abstract TVector Divide(TVector a, TVector b);

    static abstract TVector Max(TVector a, TVector b);

    /// <summary>a · b + c, rounded once where the processor can.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    static abstract TVector Exp(TVector value);

    static abstract TVector Abs(TVector value);

    /// <summary>The magnitude of the first with the sign of the second.</summary>
    static abstract TVector CopySign(TVector magnitude, TVector sign);

    static abstract float Sum(TVector value);

    static abstract float MaxAcross(TVector value);
}
