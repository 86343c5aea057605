using Atelier.Recipes;

namespace Atelier.Data.Text.Reading;

/// <summary>Options for reading files as documents.</summary>
public sealed record ReadingOptions
{
    /// <summary>What counts as one document.</summary>
    public DocumentUnit Unit { get; init; } = DocumentUnit.Auto;

    /// <summary>The column of a table that holds the text; null takes "text", or the only column.</summary>
    public string? Column { get; init; }

    /// <summary>
    /// The columns' names in tables of text that have no header line; null where the first line names them.
    /// </summary>
    public IReadOnlyList<string>? ColumnNames { get; init; }

    /// <summary>The encoding of text files; null finds it out for each.</summary>
    public string? Encoding { get; init; }

    /// <summary>The separator between the cells of text tables; null detects it.</summary>
    public char? Separator { get; init; }

    /// <summary>Whether the first row of a table in text names its columns; null finds it out.</summary>
    public bool? HasHeader { get; init; }

    /// <summary>
    /// The kind of the files ("txt", "csv", "tsv", "jsonl", "json", "parquet"); null takes it from each file's name.
    /// </summary>
    public string? Format { get; init; }

    /// <summary>
    /// Characters (UTF-16 units) held at once. A longer file is one document in several pieces; a longer line,
    /// paragraph or table cell is refused.
    /// </summary>
    public int LongestPiece { get; init; } = 4 << 20;

    /// <summary>The reading options of a recipe.</summary>
    /// <exception cref="AtelierException">The separator is not one character.</exception>
    public static ReadingOptions Of(DataSection section) => new()
    {
        Unit = section.Document, Column = section.Column, Encoding = section.Encoding, HasHeader = section.Table.Header,
        Separator = section.Table.Separator switch
        {
            null => null,
            "tab" or "\\t" => '\t',
            [var only] when only is not ('"' or '\n' or '\r') => only,
            var other => throw new AtelierException($"'{other}' is not a separator", "data.table.separator",
                "write one character, or tab"),
        },
    };
}

/// <summary>Findings while reading, filled as documents are read.</summary>
/// <param name="progress">Receives a one-line message about long operations.</param>
/// <param name="cancellation">Stops reading.</param>
public sealed class ReadingReport(IProgress<string>? progress = null, CancellationToken cancellation = default)
{
    private readonly HashSet<string> _told = [];
    private readonly List<string> _notes = [];

    internal IProgress<string>? Progress { get; } = progress;

    internal CancellationToken Cancellation { get; } = cancellation;

    /// <summary>The encoding of each text file by its name within the source.</summary>
    public SortedDictionary<string, string> Encodings { get; } = new(StringComparer.Ordinal);

    /// <summary>Choices made for the user, one sentence each.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Adds a sentence, once however often it is reported.</summary>
    public void Note(string sentence)
    {
        if (_told.Add(sentence))
            _notes.Add(sentence);
    }
}
