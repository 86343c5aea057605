namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>Counts how often the states of some variables meet. Rows that miss one of the values do not count.</summary>
/// <param name="data">The rows.</param>
internal sealed class FamilyCounter(DiscreteData data)
{
    private const int BlockRows = 2048;

    public DiscreteData Data => data;

    public int StatesOf(int variable) => data.Variables[variable].States.Count;

    /// <summary>How many combinations of states the variables have.</summary>
    public double Cells(ReadOnlySpan<int> variables)
    {
        double cells = 1;
        foreach (int variable in variables)
            cells *= StatesOf(variable);
        return cells;
    }

    /// <summary>How many rows have each combination of states.</summary>
    /// <param name="variables">The variables, the first slowest.</param>
    /// <param name="counts">Receives a count for each combination.</param>
    public void Count(ReadOnlySpan<int> variables, Span<int> counts)
    {
        counts.Clear();
        Span<int> places = stackalloc int[BlockRows];
        for (int start = 0; start < data.RowCount; start += BlockRows)
        {
            Span<int> block = places[..Math.Min(BlockRows, data.RowCount - start)];
            block.Clear();
            foreach (int variable in variables)
            {
                int states = StatesOf(variable);
                ReadOnlySpan<byte> column = data.Columns[variable].AsSpan(start, block.Length);
                if (data.MissingCount == 0)
                {
                    for (int row = 0; row < block.Length; row++)
                        block[row] = (block[row] * states) + column[row];
                }
                else
                {
                    for (int row = 0; row < block.Length; row++)
                        block[row] = block[row] < 0 || column[row] == DiscreteData.Missing ? -1 : (block[row] * states) + column[row];
                }
            }
            foreach (int place in block)
                if (place >= 0)
                    counts[place]++;
        }
    }
}
