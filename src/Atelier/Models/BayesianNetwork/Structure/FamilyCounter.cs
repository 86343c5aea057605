using System.Numerics;

namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>
/// Counts how often combinations of states of some variables occur. Each state of each variable has a bit set of the
/// rows that have it. Small tables are counted by intersecting these bit sets, large ones by computing an index for
/// each row. Rows in which one of the values is missing are not counted. Safe for concurrent use.
/// </summary>
internal sealed class FamilyCounter
{
    // Intersecting costs one word operation for 64 rows and each cell; indexing costs one operation for each row and
    // variable. Intersecting is therefore faster for small tables (docs/log.md).
    private const int MostIntersected = 96;

    private readonly DiscreteData _data;
    private readonly Lazy<ulong[][][]> _bits; // [variable][state][word]: one bit for each row

    /// <summary>Creates a counter of the rows of some data.</summary>
    public FamilyCounter(DiscreteData data)
    {
        _data = data;
        _bits = new Lazy<ulong[][][]>(() =>
            [.. data.Columns.Select((column, i) => Bits(column, data.Variables[i].States.Count))]);
    }

    /// <summary>The data.</summary>
    public DiscreteData Data => _data;

    /// <summary>The number of states of a variable.</summary>
    public int StatesOf(int variable) => _data.Variables[variable].States.Count;

    /// <summary>The number of combinations of states of some variables.</summary>
    public double Cells(ReadOnlySpan<int> variables)
    {
        double cells = 1;
        foreach (int variable in variables)
            cells *= StatesOf(variable);
        return cells;
    }

    /// <summary>Counts the rows that have each combination of states.</summary>
    /// <param name="variables">The indices of the variables.</param>
    /// <param name="counts">Receives the count of each combination, in row-major order.</param>
    public void Count(ReadOnlySpan<int> variables, Span<int> counts)
    {
        counts.Clear();
        if (counts.Length <= MostIntersected)
            Intersect(variables, counts);
        else
            AddUp(variables, counts);
    }

    private void Intersect(ReadOnlySpan<int> variables, Span<int> counts)
    {
        int words = (_data.RowCount + 63) / 64;
        if (variables.Length == 1)
        {
            for (int state = 0; state < counts.Length; state++)
                counts[state] = Ones(_bits.Value[variables[0]][state]);
            return;
        }
        // Holds the rows of the current combination of all variables but the last.
        ulong[] rows = System.Buffers.ArrayPool<ulong>.Shared.Rent(words * (variables.Length - 1));
        Descend(variables, depth: 0, all: null, rows, words, counts);
        System.Buffers.ArrayPool<ulong>.Shared.Return(rows);
    }

    private void Descend(ReadOnlySpan<int> variables, int depth, ulong[]? all, ulong[] rows, int words,
        Span<int> counts)
    {
        ulong[][] states = _bits.Value[variables[depth]];
        ReadOnlySpan<ulong> above = all is null ? [] : all.AsSpan((depth - 1) * words, words);
        if (depth == variables.Length - 1)
        {
            for (int state = 0; state < states.Length; state++)
                counts[state] = OnesOfBoth(above, states[state]);
            return;
        }
        int cells = counts.Length / states.Length;
        Span<ulong> here = rows.AsSpan(depth * words, words);
        for (int state = 0; state < states.Length; state++)
        {
            if (all is null)
                states[state].CopyTo(here);
            else
                And(above, states[state], here);
            Descend(variables, depth + 1, rows, rows, words, counts.Slice(state * cells, cells));
        }
    }

    private static void And(ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b, Span<ulong> result)
    {
        int i = 0;
        for (; i <= result.Length - Vector<ulong>.Count; i += Vector<ulong>.Count)
            (new Vector<ulong>(a[i..]) & new Vector<ulong>(b[i..])).CopyTo(result[i..]);
        for (; i < result.Length; i++)
            result[i] = a[i] & b[i];
    }

    private static int Ones(ReadOnlySpan<ulong> a)
    {
        int ones = 0;
        foreach (ulong word in a)
            ones += BitOperations.PopCount(word);
        return ones;
    }

    private static int OnesOfBoth(ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b)
    {
        int ones = 0, i = 0;
        for (; i <= a.Length - 4 && i <= b.Length - 4; i += 4)
        {
            ones += BitOperations.PopCount(a[i] & b[i]) + BitOperations.PopCount(a[i + 1] & b[i + 1])
                + BitOperations.PopCount(a[i + 2] & b[i + 2]) + BitOperations.PopCount(a[i + 3] & b[i + 3]);
        }
        for (; i < a.Length; i++)
            ones += BitOperations.PopCount(a[i] & b[i]);
        return ones;
    }

    private void AddUp(ReadOnlySpan<int> variables, Span<int> counts)
    {
        const int BlockRows = 2048;
        Span<int> places = stackalloc int[BlockRows];
        for (int start = 0; start < _data.RowCount; start += BlockRows)
        {
            Span<int> block = places[..Math.Min(BlockRows, _data.RowCount - start)];
            block.Clear();
            foreach (int variable in variables)
            {
                int states = StatesOf(variable);
                ReadOnlySpan<byte> column = _data.Columns[variable].AsSpan(start, block.Length);
                if (_data.MissingCount == 0)
                {
                    for (int row = 0; row < block.Length; row++)
                        block[row] = (block[row] * states) + column[row];
                }
                else
                {
                    for (int row = 0; row < block.Length; row++)
                        block[row] = block[row] < 0 || column[row] == DiscreteData.Missing ? -1
                            : (block[row] * states) + column[row];
                }
            }
            foreach (int place in block)
            {
                if (place >= 0)
                    counts[place]++;
            }
        }
    }

    private static ulong[][] Bits(byte[] column, int states)
    {
        ulong[][] bits = [.. Enumerable.Range(0, states).Select(_ => new ulong[(column.Length + 63) / 64])];
        for (int row = 0; row < column.Length; row++)
        {
            if (column[row] != DiscreteData.Missing)
                bits[column[row]][row >> 6] |= 1UL << (row & 63);
        }
        return bits;
    }
}
