namespace Atelier.Data.Tables;

/// <summary>A column as it was read: its distinct values, and the index of the value in each row.</summary>
internal sealed class RawColumn(string name)
{
    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<string> _values = [];
    private readonly List<int> _rows = [];

    /// <summary>The name of the column.</summary>
    public string Name { get; } = name;

    /// <summary>The distinct values, in order of first occurrence.</summary>
    public IReadOnlyList<string> Values => _values;

    /// <summary>Adds the cell of a row; null if it is missing.</summary>
    public void Add(string? cell)
    {
        int number = TableRows.Missing;
        if (cell is not null && !_numbers.TryGetValue(cell, out number))
        {
            _numbers.Add(cell, number = _values.Count);
            _values.Add(cell);
        }
        _rows.Add(number);
    }

    /// <summary>The number of missing cells.</summary>
    public int MissingCount => _rows.Count(value => value == TableRows.Missing);

    /// <summary>For each row, the index of its value, or <see cref="TableRows.Missing"/>.</summary>
    public IReadOnlyList<int> Rows => _rows;

    /// <summary>Replaces each distinct value by the result of a function; null makes its cells missing.</summary>
    public void Rewrite(Func<string, string?> change)
    {
        string?[] changed = [.. _values.Select(change)];
        int[] rows = [.. _rows];
        _numbers.Clear();
        _values.Clear();
        _rows.Clear();
        foreach (int row in rows)
            Add(row < 0 ? null : changed[row]);
    }

    /// <summary>Returns the cells of all rows as numbers; NaN where a cell is missing.</summary>
    /// <exception cref="AtelierException">A cell is not a number.</exception>
    public double[] Numbers(string where)
    {
        double[] numbers = [.. _values.Select(value => ColumnSchema.TryNumber(value, out double number)
            ? number
            : throw new AtelierException($"'{value}' in column '{Name}' is not a number",
                where, "correct it, or add it to data.table.missing"))];
        return [.. _rows.Select(value => value < 0 ? double.NaN : numbers[value])];
    }

    /// <summary>Returns the cells of all rows as level indices of a categorical column.</summary>
    /// <exception cref="AtelierException">A cell is not a level of the column.</exception>
    public int[] Codes(ColumnSchema column, string where)
    {
        int[] codes = new int[_values.Count];
        var levels = column.Levels.Select((level, code) => (level, code))
            .ToDictionary(pair => pair.level, pair => pair.code);
        for (int i = 0; i < codes.Length; i++)
        {
            if (column.Cuts.Count > 0 && ColumnSchema.TryNumber(_values[i], out double number))
                codes[i] = column.CodeOf(number);
            else if (!levels.TryGetValue(_values[i], out codes[i]))
                throw new AtelierException($"'{_values[i]}' is not a level of column '{Name}'",
                    where, $"its levels are {string.Join(", ", column.Levels.Take(20))}");
        }
        return [.. _rows.Select(value => value < 0 ? TableRows.Missing : codes[value])];
    }
}
