using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The inner loops of the Viterbi algorithm in log space, eight states at a time. Padding is minus infinity.
/// </summary>
internal static unsafe class ViterbiSteps
{
    private const int Lanes = HmmKernels.Lanes;

    /// <summary>Computes to[t, j] = max_i to[t − 1, i] + matrix[i, j] + b[t, j] for a number of steps.</summary>
    /// <param name="before">[width]: the vector before the first step.</param>
    /// <param name="matrix">[states, width].</param>
    /// <param name="b">[width]: the log-likelihoods of the first step.</param>
    /// <param name="step">The offset from one step's log-likelihoods to the next: the width or minus the width.</param>
    /// <param name="to">[count, width]: receives the vectors.</param>
    /// <param name="count">The number of steps.</param>
    /// <param name="states">The number of states.</param>
    /// <param name="width">The number of states including padding.</param>
    public static void Advance(double* before, double* matrix, double* b, int step, double* to, int count, int states,
        int width)
    {
        for (int t = 0; t < count; t++, b += step, before = to, to += width)
        {
            int column = 0;
            for (; column + (4 * Lanes) <= width; column += 4 * Lanes)
                FourColumns(before, matrix + column, b + column, to + column, states, width);
            for (; column < width; column += Lanes)
                OneColumn(before, matrix + column, b + column, to + column, states, width);
        }
    }

    /// <summary>
    /// As <see cref="Advance"/> for up to eight states, which stay in registers. It stores only the best predecessors.
    /// </summary>
    /// <param name="vector">[8]: the vector before the first step; on return, the vector of the last.</param>
    /// <param name="matrix">[states, 8].</param>
    /// <param name="b">[8]: the log-likelihoods of the first step.</param>
    /// <param name="step">The offset from one step's log-likelihoods to the next: 8 or −8.</param>
    /// <param name="predecessors">[count]: receives the best predecessor of each state, encoded as by
    /// <see cref="EightRows.MaxPlus"/>.</param>
    /// <param name="count">The number of steps.</param>
    /// <param name="states">The number of states, at most 8.</param>
    public static void AdvanceEight(double* vector, double* matrix, double* b, int step, uint* predecessors, int count,
        int states)
    {
        var rows = new EightRows(matrix, states, double.NegativeInfinity);
        for (int t = 0; t < count; t++, b += step)
            (rows.MaxPlus(vector, out predecessors[t]) + Vector512.Load(b)).Store(vector);
    }

    /// <summary>Returns the first i that maximises values[i] + row[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Best(double* values, double* row, int width)
    {
        Vector512<double> sums = Vector512.Load(values) + Vector512.Load(row), most = sums;
        for (int i = Lanes; i < width; i += Lanes)
            most = Vector512.MaxNative(most, Vector512.Load(values + i) + Vector512.Load(row + i));
        Vector256<double> half = Vector256.MaxNative(most.GetLower(), most.GetUpper());
        Vector128<double> quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        most = Vector512.Create(Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(1L, 0L)))
            .ToScalar());
        ulong found = Vector512.Equals(sums, most).ExtractMostSignificantBits();
        int at = 0;
        while (found == 0 && (at += Lanes) < width)
            found = Vector512.Equals(Vector512.Load(values + at) + Vector512.Load(row + at), most)
                .ExtractMostSignificantBits();
        return at + BitOperations.TrailingZeroCount(found);
    }

    private static void OneColumn(double* vector, double* matrix, double* b, double* result, int states, int width)
    {
        Vector512<double> most = Vector512.Create(double.NegativeInfinity);
        for (int i = 0; i < states; i++, matrix += width)
            most = Vector512.MaxNative(most, Vector512.Create(vector[i]) + Vector512.Load(matrix));
        (most + Vector512.Load(b)).Store(result);
    }

    private static void FourColumns(double* vector, double* matrix, double* b, double* result, int states, int width)
    {
        Vector512<double> p = Vector512.Create(double.NegativeInfinity), q = p, r = p, s = p;
        for (int i = 0; i < states; i++, matrix += width)
        {
            Vector512<double> x = Vector512.Create(vector[i]);
            p = Vector512.MaxNative(p, x + Vector512.Load(matrix));
            q = Vector512.MaxNative(q, x + Vector512.Load(matrix + Lanes));
            r = Vector512.MaxNative(r, x + Vector512.Load(matrix + (2 * Lanes)));
            s = Vector512.MaxNative(s, x + Vector512.Load(matrix + (3 * Lanes)));
        }
        (p + Vector512.Load(b)).Store(result);
        (q + Vector512.Load(b + Lanes)).Store(result + Lanes);
        (r + Vector512.Load(b + (2 * Lanes))).Store(result + (2 * Lanes));
        (s + Vector512.Load(b + (3 * Lanes))).Store(result + (3 * Lanes));
    }
}
