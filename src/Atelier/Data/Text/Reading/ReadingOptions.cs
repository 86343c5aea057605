using Atelier.Recipes;

namespace Atelier.Data.Text.Reading;

/// <summary>How files become documents.</summary>
public sealed record ReadingOptions
{
    /// <summary>What counts as one document.</summary>
    public DocumentUnit Unit { get; init; } = DocumentUnit.Auto;

    /// <summary>The column of a table that holds the text; null takes "text", or the only column.</summary>
    public string? Column { get; init; }

    /// <summary>The columns' names in tables of text that have no header line; null where the first line names them.</summary>
    public IReadOnlyList<string>? ColumnNames { get; init; }

    /// <summary>The kind of the files ("txt", "csv", "tsv", "jsonl", "json", "parquet"); null goes by each file's name.</summary>
    public string? Format { get; init; }

    /// <summary>
    /// Characters (UTF-16 units) held at once. A longer file is one document in several pieces; a longer line, paragraph
    /// or table cell is refused.
    /// </summary>
    public int LongestPiece { get; init; } = 4 << 20;
}

/// <summary>What was found while reading, filled as documents are taken.</summary>
public sealed class ReadingReport
{
    private readonly HashSet<string> _told = [];
    private readonly List<string> _notes = [];

    /// <summary>The encoding of each text file by its name within the source.</summary>
    public SortedDictionary<string, string> Encodings { get; } = new(StringComparer.Ordinal);

    /// <summary>Choices made for the user, one sentence each.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Adds a sentence, once however often it is told.</summary>
    public void Note(string sentence)
    {
        if (_told.Add(sentence))
            _notes.Add(sentence);
    }
}
