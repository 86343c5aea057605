using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Atelier.Models.Hmm.Inference;

/// <summary>An 8 × 8 matrix whose rows are kept in eight vector registers.</summary>
internal readonly unsafe struct EightRows
{
    private readonly Vector512<double> _a, _b, _c, _d, _e, _f, _g, _h;

    /// <summary>Loads the rows.</summary>
    /// <param name="matrix">[states, 8].</param>
    /// <param name="states">The number of rows to load, at most 8.</param>
    /// <param name="padding">The value of all elements in the other rows.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public EightRows(double* matrix, int states, double padding)
    {
        _a = Row(matrix, 0, states, padding);
        _b = Row(matrix, 1, states, padding);
        _c = Row(matrix, 2, states, padding);
        _d = Row(matrix, 3, states, padding);
        _e = Row(matrix, 4, states, padding);
        _f = Row(matrix, 5, states, padding);
        _g = Row(matrix, 6, states, padding);
        _h = Row(matrix, 7, states, padding);
    }

    /// <summary>Multiplies a vector by the matrix: Σ_i vector[i] · row i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> Multiply(double* vector)
    {
        Vector512<double> a = Vector512.Create(vector[0]) * _a, b = Vector512.Create(vector[1]) * _b;
        Vector512<double> c = Vector512.Create(vector[2]) * _c, d = Vector512.Create(vector[3]) * _d;
        a = Vector512.FusedMultiplyAdd(Vector512.Create(vector[4]), _e, a);
        b = Vector512.FusedMultiplyAdd(Vector512.Create(vector[5]), _f, b);
        c = Vector512.FusedMultiplyAdd(Vector512.Create(vector[6]), _g, c);
        d = Vector512.FusedMultiplyAdd(Vector512.Create(vector[7]), _h, d);
        return (a + b) + (c + d);
    }

    /// <summary>Computes max_i vector[i] + row i in each column, and the first i that attains it.</summary>
    /// <param name="vector">[8].</param>
    /// <param name="first">Receives the first i of each column, as three bytes: bit 0, bit 1 and bit 2 of i, each with
    /// one bit for each column.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> MaxPlus(double* vector, out uint first)
    {
        Vector512<double> a = Vector512.Create(vector[0]) + _a, b = Vector512.Create(vector[1]) + _b;
        Vector512<double> c = Vector512.Create(vector[2]) + _c, d = Vector512.Create(vector[3]) + _d;
        Vector512<double> e = Vector512.Create(vector[4]) + _e, f = Vector512.Create(vector[5]) + _f;
        Vector512<double> g = Vector512.Create(vector[6]) + _g, h = Vector512.Create(vector[7]) + _h;
        Vector512<double> ab = Vector512.MaxNative(a, b), cd = Vector512.MaxNative(c, d),
            ef = Vector512.MaxNative(e, f), gh = Vector512.MaxNative(g, h);
        Vector512<double> low = Vector512.MaxNative(ab, cd), high = Vector512.MaxNative(ef, gh);
        // The comparisons are strict, so that the first of equal values wins.
        uint second = Greater(cd, ab), fourth = Greater(gh, ef);
        uint ones = Choose(second, Greater(d, c), Greater(b, a)),
            otherOnes = Choose(fourth, Greater(h, g), Greater(f, e));
        uint fours = Greater(high, low);
        first = Choose(fours, otherOnes, ones) | (Choose(fours, fourth, second) << 8) | (fours << 16);
        return Vector512.MaxNative(low, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Greater(Vector512<double> left, Vector512<double> right) =>
        (uint)Vector512.GreaterThan(left, right).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Choose(uint where, uint these, uint others) => others ^ ((these ^ others) & where);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Row(double* matrix, int row, int states, double padding) =>
        row < states ? Vector512.Load(matrix + (row * HmmKernels.Lanes)) : Vector512.Create(padding);
}
