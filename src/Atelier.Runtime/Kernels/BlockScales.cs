using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>Reads the half-precision scales at the beginning of blocks.</summary>
internal static unsafe class BlockScales
{
    /// <summary>Returns the scales of eight blocks, <paramref name="apart"/> bytes apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Eight(byte* block, long apart)
    {
        Vector128<short> halves = Vector128.Create(Four(block, apart), Four(block + 4 * apart, apart)).AsInt16();
        // Shifts sign, exponent and mantissa to their places in a float. The factor 2^112 corrects the exponent's bias,
        // for subnormals too.
        Vector256<int> bits = Vector256.WidenLower(halves.ToVector256Unsafe()) << 13;
        Vector256<float> unscaled = (bits & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle();
        return unscaled * Vector256.Create(5.192296858534828e33f);
    }

    /// <summary>Returns the scale of one block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float One(byte* block) => (float)BitConverter.UInt16BitsToHalf(*(ushort*)block);

    /// <summary>Returns the scale of one block, as <see cref="Eight"/> does: it must be finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Finite(byte* block) =>
        BitConverter.Int32BitsToSingle((*(short*)block << 13) & unchecked((int)0x8FFFE000)) * 5.192296858534828e33f;

    /// <inheritdoc cref="Finite(Vector128{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Finite(Vector256<int> halves) =>
        ((halves << 13) & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle()
        * Vector256.Create(5.192296858534828e33f);

    /// <summary>Converts half precision in the lower half of each lane, extended with its sign, as
    /// <see cref="Eight"/> does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Finite(Vector128<int> halves) =>
        ((halves << 13) & Vector128.Create(unchecked((int)0x8FFFE000))).AsSingle()
        * Vector128.Create(5.192296858534828e33f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Four(byte* block, long apart) =>
        *(ushort*)block
        | ((ulong)*(ushort*)(block + apart) << 16)
        | ((ulong)*(ushort*)(block + 2 * apart) << 32)
        | ((ulong)*(ushort*)(block + 3 * apart) << 48);
}
