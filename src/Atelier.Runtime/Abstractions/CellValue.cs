using System.Globalization;
using System.Text.Json.Nodes;

namespace Atelier.Abstractions;

/// <summary>The value of a table cell: a category or a number.</summary>
public readonly record struct CellValue
{
    private readonly string? _level;
    private readonly double _number;

    /// <summary>Creates a value of a categorical column.</summary>
    public CellValue(string level) => _level = level;

    /// <summary>Creates a number.</summary>
    public CellValue(double number) => _number = number;

    /// <inheritdoc/>
    public override string ToString() => _level ?? _number.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>Returns the value as JSON: a string for a category, otherwise a number.</summary>
    public JsonNode ToJson() => _level is null ? _number : _level;

    /// <summary>Returns a row as a JSON object with a property for each column.</summary>
    public static JsonObject Row(IReadOnlyList<string> columns, IReadOnlyList<CellValue> values) =>
        new(columns.Zip(values, (name, value) => KeyValuePair.Create<string, JsonNode?>(name, value.ToJson())));
}
