using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Atelier.Tensors;

namespace Atelier.Kernels.Gemm;

/// <summary>
/// Pairs of bf16 numbers that stand one below the other, or side by side, brought to where a tile reads them: a pair is
/// 32 bits, its first number in the lower half.
/// </summary>
internal static unsafe class Packing
{
    private const int Lanes = Bf16.Lanes;

    /// <summary>Pairs of rows: to[i, j] = (from[2 i, j], from[2 i + 1, j]).</summary>
    /// <param name="from">The first of the columns in the first row.</param>
    /// <param name="row">From one row to the next.</param>
    /// <param name="depth">Rows; an odd last one is paired with zeros.</param>
    /// <param name="columns">Any number; up to a whole register zeros follow.</param>
    /// <param name="to">Takes the pairs.</param>
    /// <param name="toRow">From one row of pairs to the next, a multiple of sixteen.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PairRows(ushort* from, long row, int depth, int columns, uint* to, long toRow)
    {
        for (int i = 0; i < depth; i += 2, from += 2 * row, to += toRow)
        {
            ushort* next = i + 1 < depth ? from + row : null;
            int j = 0;
            for (; j + Lanes <= columns; j += Lanes)
            {
                Vector512<uint> first = Wide(from + j), second = next is null ? Vector512<uint>.Zero : Wide(next + j);
                (first | Vector512.ShiftLeft(second, 16)).Store(to + j);
            }
            if (j == columns)
                continue;
            Vector512<uint>.Zero.Store(to + j);
            for (; j < columns; j++)
                to[j] = from[j] | (next is null ? 0 : (uint)next[j] << 16);
        }
    }

    /// <summary>The same for fp32 numbers, which are rounded to bf16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PairRows(float* from, long row, int depth, int columns, uint* to, long toRow)
    {
        for (int i = 0; i < depth; i += 2, from += 2 * row, to += toRow)
        {
            float* next = i + 1 < depth ? from + row : null;
            int j = 0;
            for (; j + Lanes <= columns; j += Lanes)
            {
                Vector512<float> second = next is null ? Vector512<float>.Zero : Vector512.Load(next + j);
                Pair(Vector512.Load(from + j), second).Store(to + j);
            }
            if (j == columns)
                continue;
            Vector512<uint>.Zero.Store(to + j);
            for (; j < columns; j++)
                to[j] = Bf16.FromSingle(from[j]) | (next is null ? 0 : (uint)Bf16.FromSingle(next[j]) << 16);
        }
    }

    /// <summary>
    /// Pairs of columns, transposed: to[i, j] = (from[j, 2 i], from[j, 2 i + 1]) for fp32 numbers, which are rounded to
    /// bf16.
    /// </summary>
    /// <param name="from">The first row.</param>
    /// <param name="row">From one row to the next.</param>
    /// <param name="rows">Any number; up to a whole register zeros follow.</param>
    /// <param name="depth">Columns, a multiple of two.</param>
    /// <param name="to">Takes the pairs.</param>
    /// <param name="toRow">From one row of pairs to the next, a multiple of sixteen.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PairColumns(float* from, long row, int rows, int depth, uint* to, long toRow)
    {
        uint* square = stackalloc uint[Lanes * Lanes];
        for (int j = 0; j < rows; j += Lanes, from += Lanes * row, to += Lanes)
        {
            int count = Math.Min(Lanes, rows - j);
            new Span<uint>(square, Lanes * Lanes).Clear();
            int i = 0;
            for (; i + (2 * Lanes) <= depth; i += 2 * Lanes)
            {
                for (int r = 0; r < count; r++)
                    Halves(Vector512.Load(from + (r * row) + i), Vector512.Load(from + (r * row) + i + Lanes))
                        .Store(square + (r * Lanes));
                SquareTranspose.Run(square, Lanes, to + (i / 2 * toRow), toRow);
            }
            for (; i < depth; i += 2)
            {
                Vector512<uint>.Zero.Store(to + (i / 2 * toRow));
                for (int r = 0; r < count; r++)
                    to[(i / 2 * toRow) + r] =
                        Bf16.FromSingle(from[(r * row) + i]) | ((uint)Bf16.FromSingle(from[(r * row) + i + 1]) << 16);
            }
        }
    }

    /// <summary>The same of bf16 numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PairColumns(ushort* from, long row, int rows, int depth, uint* to, long toRow)
    {
        uint* square = stackalloc uint[Lanes * Lanes];
        for (int j = 0; j < rows; j += Lanes, from += Lanes * row, to += Lanes)
        {
            int count = Math.Min(Lanes, rows - j);
            for (int i = 0; i < depth; i += 2 * Lanes)
            {
                int bytes = Math.Min(2 * Lanes, depth - i) * sizeof(ushort);
                bool whole = count == Lanes && bytes == Lanes * sizeof(uint);
                if (!whole)
                    new Span<uint>(square, Lanes * Lanes).Clear();
                for (int r = 0; r < count && !whole; r++)
                    Buffer.MemoryCopy(from + (r * row) + i, square + (r * Lanes), bytes, bytes);
                uint* place = to + (i / 2 * toRow);
                if (whole)
                {
                    SquareTranspose.Run((uint*)(from + i), row / 2, place, toRow);
                    continue;
                }
                SquareTranspose.Run(square, Lanes, square, Lanes);
                for (int pair = 0; pair < bytes / sizeof(uint); pair++)
                    Vector512.Load(square + (pair * Lanes)).Store(place + (pair * toRow));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Wide(ushort* from) => Avx512F.ConvertToVector512UInt32(Vector256.Load(from));

    /// <summary>Rounds numbers and puts those of each place side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Pair(Vector512<float> first, Vector512<float> second) =>
        Vector512.ShiftRightLogical(Bf16.Rounded(first), 16) | (Bf16.Rounded(second) & Vector512.Create(0xFFFF0000u));

    /// <summary>Rounds 32 numbers that lie one after another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Halves(Vector512<float> first, Vector512<float> second)
    {
        Vector512<uint> a = Vector512.ShiftRightLogical(Bf16.Rounded(first), 16),
            b = Vector512.ShiftRightLogical(Bf16.Rounded(second), 16);
        return Vector512.Create(Avx512F.ConvertToVector256UInt16(a), Avx512F.ConvertToVector256UInt16(b)).AsUInt32();
    }
}
