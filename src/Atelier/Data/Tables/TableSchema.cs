using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Data.Tables;

/// <summary>A column of a table, either categorical (with named levels) or numeric.</summary>
/// <param name="Name">The name of the column.</param>
/// <param name="Levels">The names of its levels; empty for a numeric column.</param>
/// <param name="Cuts">For a discretised numeric column, the boundaries between its levels in ascending order, one fewer
/// than there are levels; otherwise empty.</param>
public sealed record ColumnSchema(string Name, IReadOnlyList<string> Levels, IReadOnlyList<double> Cuts)
{
    /// <summary>Whether the column is numeric.</summary>
    public bool IsNumeric => Levels.Count == 0;

    /// <summary>Returns the index of the level with a given name, or of the level that holds a given number.</summary>
    /// <exception cref="AtelierException">There is no such level.</exception>
    public int Code(string value)
    {
        int code = Levels.Count > 0 && Cuts.Count > 0 && TryNumber(value, out double number) ? CodeOf(number)
            : IndexOf(value);
        return code >= 0 ? code : throw new AtelierException($"the column {Name} has no level '{value}'",
            hint: Spelling.Nearest(value, Levels.Take(1000)) is { } near ? $"did you mean '{near}'?"
                : $"its levels are {string.Join(", ", Levels.Take(20))}");
    }

    /// <summary>
    /// Returns the index of the level that holds a number: level i holds numbers above cut i − 1, up to and including
    /// cut i.
    /// </summary>
    public int CodeOf(double number)
    {
        int code = 0;
        while (code < Cuts.Count && number > Cuts[code])
            code++;
        return code;
    }

    /// <summary>Parses a finite number in invariant notation.</summary>
    public static bool TryNumber(string text, out double number) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);

    private int IndexOf(string value)
    {
        for (int i = 0; i < Levels.Count; i++)
        {
            if (Levels[i] == value)
                return i;
        }
        return -1;
    }
}

/// <summary>The columns of a table, which prepared data and bundles store in schema.json.</summary>
/// <param name="Columns">The columns.</param>
public sealed record TableSchema(IReadOnlyList<ColumnSchema> Columns)
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "schema.json";

    private const long LargestFile = 64 << 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Names => [.. Columns.Select(column => column.Name)];

    /// <summary>Returns the index of the column with the given name.</summary>
    /// <exception cref="AtelierException">There is no such column.</exception>
    public int IndexOf(string name)
    {
        for (int i = 0; i < Columns.Count; i++)
        {
            if (Columns[i].Name == name)
                return i;
        }
        throw new AtelierException($"there is no column '{name}'",
            hint: Spelling.Nearest(name, Names) is { } near ? $"did you mean '{near}'?"
                : $"the columns are {string.Join(", ", Names)}");
    }

    /// <summary>Writes the schema to a JSON file.</summary>
    public void Write(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>Reads a schema from a JSON file.</summary>
    /// <exception cref="AtelierException">The file is missing, damaged or too large, or contains a column or a level
    /// twice.</exception>
    public static TableSchema Read(string path)
    {
        const string hint = "prepare the data, or download or export the model, again";
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > LargestFile })
                throw new AtelierException("is too large for the columns of a table", path, hint);
            TableSchema schema = JsonSerializer.Deserialize<TableSchema>(InputFile.ReadAllBytes(path), Json)
                ?? throw new JsonException("it is null");
            static bool IsIncomplete(ColumnSchema column) =>
                column is not { Name: not null, Levels: not null, Cuts: not null } || column.Levels.Contains(null!);
            if (schema.Columns is null || schema.Columns.Any(IsIncomplete))
                throw new JsonException("a column lacks its name, levels or cuts");
            if (schema.Names.Distinct().Count() != schema.Columns.Count
                || schema.Columns.Any(c => c.Levels.Distinct().Count() != c.Levels.Count))
                throw new JsonException("a column or a level appears twice");
            if (schema.Columns.Any(c => c.Cuts.Count > 0 && c.Cuts.Count != c.Levels.Count - 1))
                throw new JsonException("the numbers of cut points and levels differ");
            return schema;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"is not a valid {FileName} of a table: {e.Message.TrimEnd('.')}",
                path, hint, e);
        }
    }
}
