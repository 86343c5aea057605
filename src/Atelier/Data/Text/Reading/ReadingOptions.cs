using Atelier.Recipes;

namespace Atelier.Data.Text.Reading;

/// <summary>Options for reading files as documents.</summary>
public sealed record ReadingOptions
{
    /// <summary>What counts as one document.</summary>
    public DocumentUnit Unit { get; init; } = DocumentUnit.Auto;

    /// <summary>The column of a table that holds the text; null for "text", or else the only column.</summary>
    public string? Column { get; init; }

    /// <summary>
    /// The names of the columns of a delimited text table that has no header line; null if it has one.
    /// </summary>
    public IReadOnlyList<string>? ColumnNames { get; init; }

    /// <summary>The encoding of text files; null to detect it for each file.</summary>
    public string? Encoding { get; init; }

    /// <summary>The separator between the cells of delimited text tables; null to detect it.</summary>
    public char? Separator { get; init; }

    /// <summary>Whether the first row of a delimited text table holds the column names; null to detect it.</summary>
    public bool? HasHeader { get; init; }

    /// <summary>
    /// The format of the files ("txt", "csv", "tsv", "jsonl", "json", "parquet"); null to take it from the extension of
    /// each file.
    /// </summary>
    public string? Format { get; init; }

    /// <summary>
    /// The largest number of characters (UTF-16 code units) held in memory at once. If each file is a document, a
    /// longer file is read in several pieces; a longer line, paragraph or table row is refused.
    /// </summary>
    public int LongestPiece { get; init; } = 4 << 20;

    /// <summary>Returns the reading options of a recipe.</summary>
    /// <exception cref="AtelierException">The separator is not one character.</exception>
    public static ReadingOptions Of(DataSection section) => new()
    {
        Unit = section.Document,
        Column = section.Column,
        Encoding = section.Encoding,
        HasHeader = section.Table.Header,
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

/// <summary>Collects what is detected while documents are read.</summary>
/// <param name="progress">Receives a one-line message about long operations.</param>
/// <param name="cancellation">Cancels the reading.</param>
public sealed class ReadingReport(IProgress<string>? progress = null, CancellationToken cancellation = default)
{
    private readonly HashSet<string> _seen = [];
    private readonly List<string> _notes = [];

    internal IProgress<string>? Progress { get; } = progress;

    internal CancellationToken Cancellation { get; } = cancellation;

    /// <summary>The encoding of each text file, by its path within the source.</summary>
    public SortedDictionary<string, string> Encodings { get; } = new(StringComparer.Ordinal);

    /// <summary>Choices made automatically, one sentence each.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Adds a sentence, unless it has been added before.</summary>
    public void Note(string sentence)
    {
        if (_seen.Add(sentence))
            _notes.Add(sentence);
    }
}
