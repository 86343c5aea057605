using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Atelier.Tensors;

namespace Atelier.Kernels.Gemm;

/// <summary>Sixteen rows of sixteen numbers of 32 bits, turned.</summary>
internal static unsafe class SquareTranspose
{
    private const int Lanes = Bf16.Lanes;

    /// <summary>to[j, i] = from[i, j].</summary>
    /// <param name="from">The first row.</param>
    /// <param name="row">From one row to the next.</param>
    /// <param name="to">Takes the result.</param>
    /// <param name="toRow">From one row of it to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(uint* from, long row, uint* to, long toRow)
    {
        Vector512<uint>* quarters = stackalloc Vector512<uint>[Lanes];
        // Of four rows, register c then holds columns c, 4 + c, 8 + c and 12 + c, four rows each.
        for (int r = 0; r < Lanes; r += 4, from += 4 * row)
        {
            Vector512<uint> a = Vector512.Load(from), b = Vector512.Load(from + row);
            Vector512<uint> c = Vector512.Load(from + (2 * row)), d = Vector512.Load(from + (3 * row));
            Vector512<ulong> lowAb = Avx512F.UnpackLow(a, b).AsUInt64(), highAb = Avx512F.UnpackHigh(a, b).AsUInt64();
            Vector512<ulong> lowCd = Avx512F.UnpackLow(c, d).AsUInt64(), highCd = Avx512F.UnpackHigh(c, d).AsUInt64();
            quarters[r] = Avx512F.UnpackLow(lowAb, lowCd).AsUInt32();
            quarters[r + 1] = Avx512F.UnpackHigh(lowAb, lowCd).AsUInt32();
            quarters[r + 2] = Avx512F.UnpackLow(highAb, highCd).AsUInt32();
            quarters[r + 3] = Avx512F.UnpackHigh(highAb, highCd).AsUInt32();
        }
        const byte even = 0x88, odd = 0xDD; // of each operand's four quarters, numbers 0 and 2, or 1 and 3
        for (int c = 0; c < 4; c++)
        {
            Vector512<uint> firstEven = Avx512F.Shuffle4x128(quarters[c], quarters[4 + c], even),
                firstOdd = Avx512F.Shuffle4x128(quarters[c], quarters[4 + c], odd);
            Vector512<uint> lastEven = Avx512F.Shuffle4x128(quarters[8 + c], quarters[12 + c], even),
                lastOdd = Avx512F.Shuffle4x128(quarters[8 + c], quarters[12 + c], odd);
            Avx512F.Shuffle4x128(firstEven, lastEven, even).Store(to + (c * toRow));
            Avx512F.Shuffle4x128(firstOdd, lastOdd, even).Store(to + ((4 + c) * toRow));
            Avx512F.Shuffle4x128(firstEven, lastEven, odd).Store(to + ((8 + c) * toRow));
            Avx512F.Shuffle4x128(firstOdd, lastOdd, odd).Store(to + ((12 + c) * toRow));
        }
    }
}
