using System.Text.Json;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;

namespace Atelier.Data;

/// <summary>
/// The class of each image or sound, from a table: a column of files and one of labels, or of captions if there are no
/// labels.
/// </summary>
internal sealed class FileLabels
{
    private const int MostClasses = 10_000;
    private static readonly string[] FileColumns =
        ["file", "filename", "file_name", "image", "picture", "sound", "audio", "path"];
    private static readonly string[] LabelColumns = ["label", "class", "category"];
    private static readonly string[] CaptionColumns = ["caption", "text", "description"];
    private static readonly string[] UsualNames = ["labels.csv", "labels.tsv", "metadata.csv", "metadata.jsonl"];

    private readonly Dictionary<string, string> _labels;
    private readonly string _path;

    private FileLabels(string path, Dictionary<string, string> labels) => (_path, _labels) = (path, labels);

    /// <summary>
    /// Reads the table that a recipe names, or one with a usual name in the folder of the files; null if there is
    /// none.
    /// </summary>
    /// <param name="root">The folder of the files.</param>
    /// <param name="asked">The table named in the recipe: a path relative to that folder, or an absolute one. Null
    /// looks for a usual name.</param>
    /// <param name="options">The reading options.</param>
    /// <param name="report">Receives notes of what was detected.</param>
    /// <exception cref="AtelierException">The table is missing, damaged, or lacks a column.</exception>
    public static FileLabels? Find(string root, string? asked, ReadingOptions options, ReadingReport report)
    {
        string? path = asked is null
            ? UsualNames.Select(name => Path.Combine(root, name)).FirstOrDefault(File.Exists)
            : Path.Combine(root, asked) is var inFolder && File.Exists(inFolder) ? inFolder : asked;
        return path is null ? null : Read(path, options, report);
    }

    /// <summary>
    /// Returns the files with the name of their first folder as label. If none is in a folder, all are returned, with
    /// empty labels; if only some are, the others are left out.
    /// </summary>
    /// <param name="files">The files.</param>
    /// <param name="nameOf">Returns the path of a file within the source, with / as separator.</param>
    /// <param name="noun">What a file is, in the singular: "image".</param>
    /// <param name="report">Receives a note of the files that are left out.</param>
    public static IReadOnlyList<(T File, string Label)> OfFolders<T>(IReadOnlyList<T> files, Func<T, string> nameOf,
        string noun, ReadingReport report)
    {
        (T File, string Label)[] all = [.. files.Select(file =>
            (file, nameOf(file).Split('/') is [var first, _, ..] ? first : ""))];
        int without = all.Count(file => file.Label.Length == 0);
        if (without == 0 || without == all.Length)
            return all;
        report.Note($"Left out without a subfolder, and so without a class: {Quantity.Of(without, noun)}.");
        return [.. all.Where(file => file.Label.Length > 0)];
    }

    /// <summary>Returns the files that have a label, with it.</summary>
    /// <param name="files">The files.</param>
    /// <param name="nameOf">Returns the path of a file within the source, with / as separator.</param>
    /// <param name="noun">What a file is, in the singular: "image".</param>
    /// <param name="report">Receives a note of the files without a label.</param>
    /// <exception cref="AtelierException">The table names a file that does not exist.</exception>
    public IReadOnlyList<(T File, string Label)> Of<T>(IReadOnlyList<T> files, Func<T, string> nameOf, string noun,
        ReadingReport report) where T : class
    {
        // A table may name files with or without their folders.
        ILookup<string, T> byName = files.ToLookup(nameOf),
            byFile = files.ToLookup(file => nameOf(file)[(nameOf(file).LastIndexOf('/') + 1)..]);
        var labels = new Dictionary<T, string>();
        foreach ((string name, string label) in _labels)
        {
            T file = byName[name].FirstOrDefault() ?? (byFile[name].Take(2).ToArray() is [var only] ? only
                : throw new AtelierException(byFile[name].Any() ? $"'{name}' matches several {noun}s"
                    : $"lists a file that does not exist: '{name}'", _path,
                    "write the path of each file relative to the folder"));
            labels[file] = label;
        }
        int without = files.Count - labels.Count;
        if (without > 0)
            report.Note($"Ignored because they have no label in {Path.GetFileName(_path)}: "
                + $"{Quantity.Of(without, noun)}.");
        return [.. files.Where(labels.ContainsKey).Select(file => (file, labels[file]))];
    }

    /// <summary>Returns the rows of a file with a JSON object a line, whose first names the columns.</summary>
    private static IEnumerable<IReadOnlyList<string?>> JsonLines(string path, Action<IReadOnlyList<string>> begin,
        ReadingOptions options, ReadingReport report)
    {
        using CheckedReader reader =
            CheckedReader.Open(new FileSource(path), Path.GetFileName(path), report, options.Encoding);
        string[]? columns = null;
        foreach ((JsonElement row, string where) in JsonRows.Lines(reader, options, path))
        {
            if (columns is null)
            {
                columns = [.. row.EnumerateObject().Select(property => property.Name)];
                begin(columns);
            }
            yield return [.. columns.Select(column => !row.TryGetProperty(column, out JsonElement value) ? null
                : value.ValueKind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False
                ? value.GetRawText() : value.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? null
                : JsonRows.Text(value, column, where))];
        }
    }

    private static FileLabels Read(string path, ReadingOptions options, ReadingReport report)
    {
        int file = -1, label = -1;
        var labels = new Dictionary<string, string>();
        foreach (IReadOnlyList<string?> row in TextSource.Format(path) == "jsonl"
            ? JsonLines(path, Columns, options, report)
            : TableFile.Read(path, header => Columns(header.Columns), options, report))
        {
            string name = (row[file] ?? "").Replace('\\', '/').TrimStart('.', '/'), value = row[label]?.Trim() ?? "";
            if (name.Length == 0 || value.Length == 0)
                throw new AtelierException(name.Length == 0 ? "a row does not name a file"
                    : $"'{name}' has an empty label", path, "fill it in, or remove the row");
            if (!labels.TryAdd(name, value) && labels[name] != value)
                throw new AtelierException($"'{name}' has the labels '{labels[name]}' and '{value}'", path,
                    "remove one of the rows");
        }
        int classes = labels.Values.Distinct().Count();
        if (classes > MostClasses || (classes > 10 && classes == labels.Count))
            throw new AtelierException(
                $"has {classes} different labels for {labels.Count} files, which are too many for classes", path,
                "use labels that several files share");
        report.Note($"{Path.GetFileName(path)} gives the class of {Quantity.Of(labels.Count, "file")}.");
        return new(path, labels);

        void Columns(IReadOnlyList<string> names)
        {
            int Find(string[] wanted) =>
                names.ToList().FindIndex(name => wanted.Contains(name.Trim().ToLowerInvariant()));
            file = Find(FileColumns);
            label = Find(LabelColumns) is var known and >= 0 ? known : Find(CaptionColumns);
            if (file < 0 || label < 0)
                throw new AtelierException($"has the columns {string.Join(", ", names)}", path,
                    $"name one of them {FileColumns[0]} and one {LabelColumns[0]} or {CaptionColumns[0]}");
        }
    }
}
