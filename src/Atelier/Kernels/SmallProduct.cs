using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>
/// Products of small matrices in fp32 that lie in the cache, for the calling thread alone. A tile of C stays in sixteen
/// registers (eight in the last columns of an odd width) while the depth is walked through.
/// </summary>
internal static unsafe class SmallProduct
{
    /// <summary>C = A B, or C += A B.</summary>
    /// <param name="a">A, [rows, depth]: the number of row i and column k lies at i · aRow + k · aColumn, so that a
    /// transposed one can be given.</param>
    /// <param name="aRow">See there.</param>
    /// <param name="aColumn">See there.</param>
    /// <param name="b">B, [depth, columns].</param>
    /// <param name="bRow">From one row of B to the next.</param>
    /// <param name="c">C, [rows, columns].</param>
    /// <param name="cRow">From one row of C to the next.</param>
    /// <param name="rows">A multiple of 8.</param>
    /// <param name="columns">A multiple of 16.</param>
    /// <param name="depth">The length of the sums.</param>
    /// <param name="add">Whether what C holds is added to.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        float* a, long aRow, long aColumn, float* b, long bRow, float* c, long cRow, int rows, int columns, int depth,
            bool add)
    {
        int column = 0;
        for (; column + 64 <= columns; column += 64)
        {
            for (int row = 0; row < rows; row += 4)
                Tile4By4(a + (row * aRow), aRow, aColumn, b + column, bRow, c + (row * cRow) + column, cRow, depth,
                    add);
        }
        for (; column + 32 <= columns; column += 32)
        {
            for (int row = 0; row < rows; row += 8)
                Tile8By2(a + (row * aRow), aRow, aColumn, b + column, bRow, c + (row * cRow) + column, cRow, depth,
                    add);
        }
        for (; column < columns; column += 16)
        {
            for (int row = 0; row < rows; row += 8)
                Tile8By1(a + (row * aRow), aRow, aColumn, b + column, bRow, c + (row * cRow) + column, cRow, depth,
                    add);
        }
    }

    /// <summary>Four registers of each of four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4By4(float* a, long aRow, long aColumn, float* b, long bRow, float* c, long cRow, int depth,
        bool add)
    {
        Vector512<float> c0a = default, c0b = default, c0c = default, c0d = default, c1a = default, c1b = default,
            c1c = default, c1d = default;
        Vector512<float> c2a = default, c2b = default, c2c = default, c2d = default, c3a = default, c3b = default,
            c3c = default, c3d = default;
        for (int k = 0; k < depth; k++, a += aColumn, b += bRow)
        {
            Vector512<float> ba = Vector512.Load(b), bb = Vector512.Load(b + 16), bc = Vector512.Load(b + 32),
                bd = Vector512.Load(b + 48);
            Vector512<float> a0 = Vector512.Create(*a);
            c0a = Vector512.FusedMultiplyAdd(a0, ba, c0a);
            c0b = Vector512.FusedMultiplyAdd(a0, bb, c0b);
            c0c = Vector512.FusedMultiplyAdd(a0, bc, c0c);
            c0d = Vector512.FusedMultiplyAdd(a0, bd, c0d);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c1a = Vector512.FusedMultiplyAdd(a1, ba, c1a);
            c1b = Vector512.FusedMultiplyAdd(a1, bb, c1b);
            c1c = Vector512.FusedMultiplyAdd(a1, bc, c1c);
            c1d = Vector512.FusedMultiplyAdd(a1, bd, c1d);
            Vector512<float> a2 = Vector512.Create(a[2 * aRow]);
            c2a = Vector512.FusedMultiplyAdd(a2, ba, c2a);
            c2b = Vector512.FusedMultiplyAdd(a2, bb, c2b);
            c2c = Vector512.FusedMultiplyAdd(a2, bc, c2c);
            c2d = Vector512.FusedMultiplyAdd(a2, bd, c2d);
            Vector512<float> a3 = Vector512.Create(a[3 * aRow]);
            c3a = Vector512.FusedMultiplyAdd(a3, ba, c3a);
            c3b = Vector512.FusedMultiplyAdd(a3, bb, c3b);
            c3c = Vector512.FusedMultiplyAdd(a3, bc, c3c);
            c3d = Vector512.FusedMultiplyAdd(a3, bd, c3d);
        }
        Put(c, add, c0a, c0b, c0c, c0d);
        Put(c + cRow, add, c1a, c1b, c1c, c1d);
        Put(c + (2 * cRow), add, c2a, c2b, c2c, c2d);
        Put(c + (3 * cRow), add, c3a, c3b, c3c, c3d);
    }

    /// <summary>Two registers of each of eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8By2(float* a, long aRow, long aColumn, float* b, long bRow, float* c, long cRow, int depth,
        bool add)
    {
        Vector512<float> c0a = default, c0b = default, c1a = default, c1b = default, c2a = default, c2b = default,
            c3a = default, c3b = default;
        Vector512<float> c4a = default, c4b = default, c5a = default, c5b = default, c6a = default, c6b = default,
            c7a = default, c7b = default;
        for (int k = 0; k < depth; k++, a += aColumn, b += bRow)
        {
            Vector512<float> ba = Vector512.Load(b), bb = Vector512.Load(b + 16);
            Vector512<float> a0 = Vector512.Create(*a);
            c0a = Vector512.FusedMultiplyAdd(a0, ba, c0a);
            c0b = Vector512.FusedMultiplyAdd(a0, bb, c0b);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c1a = Vector512.FusedMultiplyAdd(a1, ba, c1a);
            c1b = Vector512.FusedMultiplyAdd(a1, bb, c1b);
            Vector512<float> a2 = Vector512.Create(a[2 * aRow]);
            c2a = Vector512.FusedMultiplyAdd(a2, ba, c2a);
            c2b = Vector512.FusedMultiplyAdd(a2, bb, c2b);
            Vector512<float> a3 = Vector512.Create(a[3 * aRow]);
            c3a = Vector512.FusedMultiplyAdd(a3, ba, c3a);
            c3b = Vector512.FusedMultiplyAdd(a3, bb, c3b);
            Vector512<float> a4 = Vector512.Create(a[4 * aRow]);
            c4a = Vector512.FusedMultiplyAdd(a4, ba, c4a);
            c4b = Vector512.FusedMultiplyAdd(a4, bb, c4b);
            Vector512<float> a5 = Vector512.Create(a[5 * aRow]);
            c5a = Vector512.FusedMultiplyAdd(a5, ba, c5a);
            c5b = Vector512.FusedMultiplyAdd(a5, bb, c5b);
            Vector512<float> a6 = Vector512.Create(a[6 * aRow]);
            c6a = Vector512.FusedMultiplyAdd(a6, ba, c6a);
            c6b = Vector512.FusedMultiplyAdd(a6, bb, c6b);
            Vector512<float> a7 = Vector512.Create(a[7 * aRow]);
            c7a = Vector512.FusedMultiplyAdd(a7, ba, c7a);
            c7b = Vector512.FusedMultiplyAdd(a7, bb, c7b);
        }
        Put(c, add, c0a, c0b);
        Put(c + cRow, add, c1a, c1b);
        Put(c + (2 * cRow), add, c2a, c2b);
        Put(c + (3 * cRow), add, c3a, c3b);
        Put(c + (4 * cRow), add, c4a, c4b);
        Put(c + (5 * cRow), add, c5a, c5b);
        Put(c + (6 * cRow), add, c6a, c6b);
        Put(c + (7 * cRow), add, c7a, c7b);
    }

    /// <summary>One register of each of eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8By1(float* a, long aRow, long aColumn, float* b, long bRow, float* c, long cRow, int depth,
        bool add)
    {
        Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default,
            c6 = default, c7 = default;
        for (int k = 0; k < depth; k++, a += aColumn, b += bRow)
        {
            Vector512<float> column = Vector512.Load(b);
            c0 = Vector512.FusedMultiplyAdd(Vector512.Create(*a), column, c0);
            c1 = Vector512.FusedMultiplyAdd(Vector512.Create(a[aRow]), column, c1);
            c2 = Vector512.FusedMultiplyAdd(Vector512.Create(a[2 * aRow]), column, c2);
            c3 = Vector512.FusedMultiplyAdd(Vector512.Create(a[3 * aRow]), column, c3);
            c4 = Vector512.FusedMultiplyAdd(Vector512.Create(a[4 * aRow]), column, c4);
            c5 = Vector512.FusedMultiplyAdd(Vector512.Create(a[5 * aRow]), column, c5);
            c6 = Vector512.FusedMultiplyAdd(Vector512.Create(a[6 * aRow]), column, c6);
            c7 = Vector512.FusedMultiplyAdd(Vector512.Create(a[7 * aRow]), column, c7);
        }
        Put(c, add, c0);
        Put(c + cRow, add, c1);
        Put(c + (2 * cRow), add, c2);
        Put(c + (3 * cRow), add, c3);
        Put(c + (4 * cRow), add, c4);
        Put(c + (5 * cRow), add, c5);
        Put(c + (6 * cRow), add, c6);
        Put(c + (7 * cRow), add, c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, bool add, Vector512<float> first) =>
        (add ? first + Vector512.Load(c) : first).Store(c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, bool add, Vector512<float> first, Vector512<float> second)
    {
        Put(c, add, first);
        Put(c + 16, add, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, bool add, Vector512<float> first, Vector512<float> second, Vector512<float> third,
        Vector512<float> fourth)
    {
        Put(c, add, first, second);
        Put(c + 32, add, third, fourth);
    }
}
