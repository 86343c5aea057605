using Atelier.Data.Tables;

namespace Atelier.Models.BayesianNetwork;

/// <summary>Converts tables of categorical columns to the data of a network.</summary>
internal static class NetworkRows
{
    /// <summary>Creates a variable for each column.</summary>
    /// <exception cref="AtelierException">A column holds numbers, or more levels than a variable may have
    /// states.</exception>
    public static Variable[] Variables(TableSchema schema) => [.. schema.Columns.Select(column => column.IsNumeric
        ? throw new AtelierException($"the column {column.Name} holds numbers, but a network has discrete variables",
            column.Name,
            "discretise numbers with data.table.discretise: quantile (or width), or leave the column out of "
            + "data.table.columns")
        : new Variable(column.Name, column.Levels))];

    /// <summary>Creates a column for each variable.</summary>
    public static TableSchema Schema(DiscreteNetwork network) =>
        new([.. network.Variables.Select(v => new ColumnSchema(v.Name, v.States, []))]);

    /// <summary>Converts rows to one byte for each value.</summary>
    public static DiscreteData Of(TableRows rows, IReadOnlyList<Variable> variables)
    {
        return new(variables, [.. variables.Select((_, i) => Column(i))]);

        byte[] Column(int variable)
        {
            ReadOnlySpan<int> codes = rows.Codes(variable);
            var column = new byte[codes.Length];
            for (int row = 0; row < column.Length; row++)
                column[row] = codes[row] == TableRows.Missing ? DiscreteData.Missing : (byte)codes[row];
            return column;
        }
    }
}
