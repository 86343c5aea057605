using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Data.Tables;

/// <summary>A column of a table: levels that have names, or numbers.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Levels">The names of its levels; empty for a column of numbers.</param>
/// <param name="Cuts">Of a column of numbers made into levels: where one level ends and the next begins, growing, one
/// fewer than levels.</param>
public sealed record ColumnSchema(string Name, IReadOnlyList<string> Levels, IReadOnlyList<double> Cuts)
{
    /// <summary>Whether its values are numbers.</summary>
    public bool IsNumeric => Levels.Count == 0;

    /// <summary>The number of a level by its name, or of the level that a number falls into.</summary>
    /// <exception cref="AtelierException">There is no such level.</exception>
    public int Code(string value)
    {
        int code = Levels.Count > 0 && Cuts.Count > 0 && TryNumber(value, out double number) ? CodeOf(number)
            : IndexOf(value);
        return code >= 0 ? code : throw new AtelierException($"the column {Name} has no level '{value}'",
            hint: Spelling.Nearest(value, Levels.Take(1000)) is { } near ? $"did you mean '{near}'?"
                : $"its levels are {string.Join(", ", Levels.Take(20))}");
    }

    /// <summary>The level that a number falls into: level i holds the numbers above cut i − 1 up to cut i.</summary>
    public int CodeOf(double number)
    {
        int code = 0;
        while (code < Cuts.Count && number > Cuts[code])
            code++;
        return code;
    }

    /// <summary>Reads a finite number.</summary>
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

/// <summary>The columns of a table, as prepared data and bundles keep them in schema.json.</summary>
/// <param name="Columns">The columns.</param>
public sealed record TableSchema(IReadOnlyList<ColumnSchema> Columns)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "schema.json";

    private const long LargestFile = 64 << 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            WriteIndented = true,
    };

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Names => [.. Columns.Select(column => column.Name)];

    /// <summary>The number of the column of that name.</summary>
    /// <exception cref="AtelierException">There is none.</exception>
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

    /// <summary>Writes the file.</summary>
    public void Write(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>Reads the file.</summary>
    /// <exception cref="AtelierException">It is missing, damaged or too large, or names a column or a level
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
            if (schema.Columns is null
                || schema.Columns.Any(c =>
                c is not { Name: not null, Levels: not null, Cuts: not null } || c.Levels.Contains(null!)))
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
