using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>Transposes weights in registers.</summary>
internal static unsafe class BlockTranspose
{
    /// <summary>
    /// Transposes 16 bytes of eight rows into four registers: bytes 0 to 3 of every row, bytes 4 to 7, and so on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourBytesOfEightRows(byte* from, long rowBytes, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        Vector256<int> r0 = Pair(from, rowBytes), r1 = Pair(from + rowBytes, rowBytes),
            r2 = Pair(from + 2 * rowBytes, rowBytes), r3 = Pair(from + 3 * rowBytes, rowBytes);
        Vector256<long> low01 = Avx2.UnpackLow(r0, r1).AsInt64(), high01 = Avx2.UnpackHigh(r0, r1).AsInt64();
        Vector256<long> low23 = Avx2.UnpackLow(r2, r3).AsInt64(), high23 = Avx2.UnpackHigh(r2, r3).AsInt64();
        a = Avx2.UnpackLow(low01, low23).AsByte();
        b = Avx2.UnpackHigh(low01, low23).AsByte();
        c = Avx2.UnpackLow(high01, high23).AsByte();
        d = Avx2.UnpackHigh(high01, high23).AsByte();
    }

    /// <summary>Returns 16 bytes of a row and of the fourth row after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Pair(byte* row, long rowBytes) =>
        Vector256.Create(Vector128.Load((int*)row), Vector128.Load((int*)(row + 4 * rowBytes)));
}
