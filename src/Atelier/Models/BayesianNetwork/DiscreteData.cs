namespace Atelier.Models.BayesianNetwork;

/// <summary>Rows of discrete values, a byte a value, column by column.</summary>
public sealed class DiscreteData
{
    /// <summary>The code of a missing value.</summary>
    public const byte Missing = 255;

    /// <summary>Makes data of columns.</summary>
    /// <param name="variables">The columns.</param>
    /// <param name="columns">For each variable the state of each row, or <see cref="Missing"/>.</param>
    /// <exception cref="ArgumentException">The columns differ in length, or hold states that there are not.</exception>
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

    /// <summary>The columns.</summary>
    public IReadOnlyList<Variable> Variables { get; }

    /// <summary>The values, [variable][row].</summary>
    public IReadOnlyList<byte[]> Columns { get; }

    /// <summary>Number of rows.</summary>
    public int RowCount => Columns.Count == 0 ? 0 : Columns[0].Length;

    /// <summary>Number of missing values.</summary>
    public long MissingCount { get; }

    /// <summary>One row's values.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="states">Receives the state of each variable.</param>
    public void Read(int row, Span<byte> states)
    {
        for (int i = 0; i < Columns.Count; i++)
            states[i] = Columns[i][row];
    }

    /// <summary>Some of the rows, in the order given.</summary>
    public DiscreteData Select(IReadOnlyList<int> rows)
    {
        byte[][] columns = [.. Columns.Select(_ => new byte[rows.Count])];
        for (int i = 0; i < columns.Length; i++)
            for (int row = 0; row < rows.Count; row++)
                columns[i][row] = Columns[i][rows[row]];
        return new(Variables, columns);
    }
}
