using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>
/// Operations on the single-precision numbers in one register. Kernels for floats are written with them once for all
/// register widths; the plain implementation is one number wide.
/// </summary>
/// <typeparam name="TVector">The type of the register.</typeparam>
internal unsafe interface ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Number of values in a register.</summary>
    static abstract int Count { get; }

    static abstract TVector Load(float* source);

    /// <summary>Loads bfloat16 numbers, whose bits are the upper half of a float's.</summary>
    static abstract TVector LoadBFloat16(ushort* source);

    /// <summary>
    /// Loads half-precision numbers, including subnormals. Infinities and NaN, which weights never are, become large
    /// numbers.
    /// </summary>
    static abstract TVector LoadHalf(ushort* source);

    static abstract void Store(TVector value, float* destination);

    /// <summary>
    /// Rounds to the nearest integers, ties to even, stores them as bytes and returns their sum. All must be within
    /// ±127.
    /// </summary>
    static abstract int StoreRounded(TVector value, sbyte* destination);

    static abstract TVector Broadcast(float value);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Multiply(TVector a, TVector b);

    static abstract TVector Divide(TVector a, TVector b);

    static abstract TVector Max(TVector a, TVector b);

    /// <summary>Returns a · b + c, rounded once if the processor supports it.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    static abstract TVector Exp(TVector value);

    /// <summary>Returns whether any a ≥ b.</summary>
    static abstract bool AnyAtLeast(TVector a, TVector b);

    static abstract TVector Abs(TVector value);

    /// <summary>Returns the magnitude of the first with the sign of the second.</summary>
    static abstract TVector CopySign(TVector magnitude, TVector sign);

    static abstract float Sum(TVector value);

    /// <summary>Returns the sums of four registers.</summary>
    static abstract Vector128<float> Sums(TVector a, TVector b, TVector c, TVector d);

    static abstract float MaxAcross(TVector value);
}
