using Atelier.Data.Tables;

namespace Atelier.Models.BayesianNetwork;

/// <summary>Tables of levels as data for a network, and back.</summary>
internal static class NetworkRows
{
    /// <summary>The variables that columns are.</summary>
    /// <exception cref="AtelierException">A column holds numbers, or more levels than a variable may have
    /// states.</exception>
    public static Variable[] Variables(TableSchema schema) => [.. schema.Columns.Select(column => column.IsNumeric
        ? throw new AtelierException($"the column {column.Name} holds numbers, but a network has discrete variables",
            column.Name,
            "discretise numbers with data.table.discretise: quantile (or width), or leave the column out of "
                + "data.table.columns")
        : new Variable(column.Name, column.Levels))];

    /// <summary>The columns that variables are.</summary>
    public static TableSchema Schema(DiscreteNetwork network) =>
        new([.. network.Variables.Select(v => new ColumnSchema(v.Name, v.States, []))]);

    /// <summary>The rows, a byte a value.</summary>
    public static DiscreteData Of(TableRows rows, IReadOnlyList<Variable> variables) =>
        new(variables, [.. variables.Select((_, i) =>
    {
        ReadOnlySpan<int> codes = rows.Codes(i);
        var column = new byte[codes.Length];
        for (int row = 0; row < column.Length; row++)
            column[row] = codes[row] == TableRows.Missing ? DiscreteData.Missing : (byte)codes[row];
        return column;
    })]);
}
