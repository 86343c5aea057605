namespace Atelier.Models.BayesianNetwork;

/// <summary>Rows of discrete values, stored by column with one byte for each value.</summary>
public sealed class DiscreteData
{
    /// <summary>The code of a missing value.</summary>
    public const byte Missing = 255;

    /// <summary>Creates data from its columns.</summary>
    /// <param name="variables">The variables, one for each column.</param>
    /// <param name="columns">[variable][row]: the index of the state, or <see cref="Missing"/>.</param>
    /// <exception cref="ArgumentException">The columns differ in length, or hold the index of a state that does not
    /// exist.</exception>
    public DiscreteData(IReadOnlyList<Variable> variables, IReadOnlyList<byte[]> columns)
    {
        if (columns.Count != variables.Count || columns.Any(c => c.Length != columns[0].Length))
            throw new ArgumentException("one column a variable, all of the same length", nameof(columns));
        for (int i = 0; i < columns.Count; i++)
        {
            int states = variables[i].States.Count;
            foreach (byte value in columns[i])
            {
                if (value >= states && value != Missing)
                    throw new ArgumentException($"{variables[i].Name} has no state {value}", nameof(columns));
                MissingCount += value == Missing ? 1 : 0;
            }
        }
        (Variables, Columns) = (variables, columns);
    }

    /// <summary>The variables, one for each column.</summary>
    public IReadOnlyList<Variable> Variables { get; }

    /// <summary>The values, [variable][row].</summary>
    public IReadOnlyList<byte[]> Columns { get; }

    /// <summary>The number of rows.</summary>
    public int RowCount => Columns.Count == 0 ? 0 : Columns[0].Length;

    /// <summary>The number of missing values.</summary>
    public long MissingCount { get; }

    /// <summary>Copies the values of one row.</summary>
    /// <param name="row">The index of the row.</param>
    /// <param name="states">Receives the state of each variable.</param>
    public void Read(int row, Span<byte> states)
    {
        for (int i = 0; i < Columns.Count; i++)
            states[i] = Columns[i][row];
    }

    /// <summary>Copies some of the rows, in the given order.</summary>
    public DiscreteData Select(IReadOnlyList<int> rows)
    {
        byte[][] columns = [.. Columns.Select(_ => new byte[rows.Count])];
        for (int i = 0; i < columns.Length; i++)
        {
            for (int row = 0; row < rows.Count; row++)
                columns[i][row] = Columns[i][rows[row]];
        }
        return new(Variables, columns);
    }
}
