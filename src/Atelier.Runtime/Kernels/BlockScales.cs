using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>The half-precision scales with which blocks begin, in single precision.</summary>
internal static unsafe class BlockScales
{
    /// <summary>The scales of eight blocks that lie so many bytes apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Eight(byte* block, long apart)
    {
        Vector128<short> halves = Vector128.Create(Four(block, apart), Four(block + 4 * apart, apart)).AsInt16();
        // Sign, exponent and mantissa in a float's places; 2^112 sets the exponent's bias right, of subnormals too.
        Vector256<int> bits = Vector256.WidenLower(halves.ToVector256Unsafe()) << 13;
        return (bits & Vector256.Create(unchecked((int)0x8FFFE000)))
            .AsSingle() * Vector256.Create(5.192296858534828e33f);
    }

    /// <summary>The scale of one block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float One(byte* block) => (float)BitConverter.UInt16BitsToHalf(*(ushort*)block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Four(byte* block, long apart) =>
        *(ushort*)block | ((ulong)*(ushort*)(block + apart) << 16) | ((ulong)*(ushort*)(block
            + 2 * apart) << 32) | ((ulong)*(ushort*)(block + 3 * apart) << 48);
}
