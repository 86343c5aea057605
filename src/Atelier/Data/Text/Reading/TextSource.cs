using Atelier.Data.Tables;
using Atelier.Recipes;

namespace Atelier.Data.Text.Reading;

/// <summary>Reads a file, or a folder of files, as documents. Memory does not grow with the amount of text.</summary>
public static class TextSource
{
    private static readonly string[] TextFormats = ["txt", "md"];
    private static readonly string[] TableFormats = ["csv", "tsv", "jsonl", "json", "parquet"];

    /// <summary>
    /// Returns the documents of <paramref name="path"/>: the files of a folder sorted by name, the documents of a file
    /// in order.
    /// </summary>
    /// <param name="path">A file, or a folder whose files and those of its subfolders are read if they have the
    /// extension .txt, .md, .csv, .tsv, .jsonl, .json or .parquet, or one of these followed by .gz.</param>
    /// <param name="options">The reading options.</param>
    /// <param name="report">Receives the detected encodings and choices while documents are read.</param>
    /// <exception cref="AtelierException">A file is missing, empty, damaged or not text, or does not match the
    /// options.</exception>
    public static IEnumerable<DocumentPiece> Read(string path, ReadingOptions options, ReadingReport report)
    {
        if (!Directory.Exists(path))
        {
            foreach (DocumentPiece piece in ReadFile(path, Path.GetFileName(path), options, report))
                yield return piece;
            yield break;
        }
        bool any = false;
        foreach (string file in Files(path, report))
        {
            string name = Path.GetRelativePath(path, file).Replace('\\', '/');
            if (new FileInfo(file).Length == 0)
            {
                report.Note($"The file {name} is empty and was ignored.");
                continue;
            }
            any = true;
            foreach (DocumentPiece piece in ReadFile(file, name, options, report))
                yield return piece;
        }
        if (!any)
            throw new AtelierException("the folder contains no text", path,
                "it should contain files named .txt, .md, .csv, .tsv, .jsonl, .json or .parquet, or the same with .gz");
    }

    private static IEnumerable<string> Files(string folder, ReadingReport report)
    {
        IReadOnlyList<string> files = SourceFolder.Files(folder);
        string[] read = [.. files.Where(f => TextFormats.Contains(Format(f)) || TableFormats.Contains(Format(f)))];
        SourceFolder.TellLeftOut(files.Except(read), report);
        return read;
    }

    private static IEnumerable<DocumentPiece> ReadFile(string path, string name, ReadingOptions options,
        ReadingReport report)
    {
        string format = options.Format ?? Format(path);
        bool table = options.Unit == DocumentUnit.Row
            || (options.Unit == DocumentUnit.Auto && TableFormats.Contains(format));
        if (table && !TableFormats.Contains(format))
            throw new AtelierException("is not a table, so rows cannot be used as documents", path,
                "set data.document to file, line or paragraph");
        if (options.Column is not null && !table)
            throw new AtelierException($"is plain text and has no column '{options.Column}'", path,
                $"remove {Mention.Field("data.column")}, or provide a table (.csv, .tsv, .jsonl, .json, .parquet)");
        if (table && format == "parquet")
            return Documents(ParquetRows.Read(path, options, report));
        return ReadCharacters(path, name, table ? format : null, options, report);
    }

    private static IEnumerable<DocumentPiece> ReadCharacters(
        string path, string name, string? table, ReadingOptions options, ReadingReport report)
    {
        using CheckedReader reader = CheckedReader.Open(path, name, report, options.Encoding);
        IEnumerable<DocumentPiece> pieces = table is null
            ? PlainText.Read(reader, options.Unit, options.LongestPiece, path)
            : Documents(Rows(reader, table, options, report, path));
        foreach (DocumentPiece piece in pieces)
            yield return piece;
    }

    private static IEnumerable<DocumentPiece> Documents(IEnumerable<string> texts) =>
        texts.Where(text => text.Length > 0).Select(text => new DocumentPiece(text));

    private static IEnumerable<string> Rows(
        CheckedReader reader, string format, ReadingOptions options, ReadingReport report, string path) =>
        format switch
        {
            "jsonl" => JsonRows.ReadLines(reader, options, report, path),
            "json" => JsonRows.ReadArray(reader, options, report, path),
            _ => SeparatedRows(reader, options, report, path),
        };

    private static IEnumerable<string> SeparatedRows(CheckedReader reader, ReadingOptions options, ReadingReport report,
        string path)
    {
        var table = DelimitedTable.Begin(reader, options, report, path);
        string chosen = TableColumn.Choose(table.Columns, options.Column, path, report);
        int column = table.Columns.TakeWhile(name => name != chosen).Count();
        return table.Rows.Select(fields => fields[column]);
    }

    /// <summary>
    /// Returns the format of a file by its extension, ignoring a final .gz: "csv" for both data.csv and data.csv.gz.
    /// </summary>
    internal static string Format(string path)
    {
        string name = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;
        return Path.GetExtension(name).TrimStart('.').ToLowerInvariant();
    }
}
