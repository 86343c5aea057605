using System.Globalization;
using System.Text.RegularExpressions;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Pairs;

/// <summary>The part of the data that a set of files is named for.</summary>
internal enum PairRole
{
    /// <summary>Its name says nothing of a part.</summary>
    None,

    /// <summary>Training data.</summary>
    Train,

    /// <summary>Validation data.</summary>
    Validation,

    /// <summary>Test data.</summary>
    Test,
}

/// <summary>A table of pairs, or two files whose lines correspond.</summary>
/// <param name="Name">The name of the file or files, without language and without the numbers of a shard.</param>
/// <param name="Source">The table, or the file of sources.</param>
/// <param name="Target">The file of targets; null for a table.</param>
internal sealed partial record PairSet(string Name, string Source, string? Target)
{
    /// <summary>The first word of the name that stands for a part of the data.</summary>
    public PairRole Role => Words().Matches(Name).Select(word => word.Value.ToLowerInvariant() switch
    {
        "train" or "training" => PairRole.Train,
        "dev" or "val" or "valid" or "validation" => PairRole.Validation,
        "test" or "testing" => PairRole.Test,
        _ => PairRole.None,
    }).FirstOrDefault(role => role != PairRole.None);

    /// <summary>
    /// Creates the set of a table. Tables whose names differ only in the numbers of shards have the same name.
    /// </summary>
    public static PairSet Table(string path) => new(Shard().Replace(PairName.WithoutPacking(path), ""), path, null);

    /// <summary>Reads the pairs, also those with empty sides.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="reading">The reading options of a catalogue entry; null for those of the recipe.</param>
    /// <param name="report">Receives what was detected.</param>
    /// <exception cref="AtelierException">A file is missing or damaged, the table lacks a column, or the two files have
    /// different numbers of lines.</exception>
    public IEnumerable<TextPair> Read(DataSection section, ReadingOptions? reading, ReadingReport report)
    {
        var options = ReadingOptions.Of(section);
        if (Target is null)
        {
            options = reading is null ? options : options with
            {
                ColumnNames = reading.ColumnNames,
                Format = reading.Format,
            };
            return PairTable.Read(Source, section.Pairs, options, report);
        }
        List<string> sources = Lines(Source, options, report), targets = Lines(Target, options, report);
        return sources.Count == targets.Count ? sources.Zip(targets, (source, target) => new TextPair(source, target))
            : throw new AtelierException(string.Create(CultureInfo.InvariantCulture,
                $"has {sources.Count:N0} lines, but {Path.GetFileName(Target)} has {targets.Count:N0}"), Source,
                "provide two files in which each line of one corresponds to the same line of the other");
    }

    private static List<string> Lines(string path, ReadingOptions options, ReadingReport report)
    {
        using CheckedReader reader = CheckedReader.Open(path, Path.GetFileName(path), report, options.Encoding);
        return [.. PlainText.Lines(reader, options.LongestPiece, path)];
    }

    [GeneratedRegex("[A-Za-z]+", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Words();

    [GeneratedRegex("-[0-9]+-of-[0-9]+(-[0-9a-f]+)?(?=\\.)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Shard();
}

/// <summary>A file name that ends with a language, such as train.de, train.de.gz or train.de.txt.</summary>
/// <param name="Stem">The path up to the language, without the dot.</param>
/// <param name="Language">The language.</param>
internal sealed partial record PairName(string Stem, string Language)
{
    /// <summary>Reads a path; null if it does not end with a language.</summary>
    public static PairName? Of(string path)
    {
        string plain = path[..(path.Length - Path.GetFileName(path).Length + WithoutPacking(path).Length)];
        if (Path.GetExtension(plain).Equals(".txt", StringComparison.OrdinalIgnoreCase))
            plain = plain[..^4];
        string language = Path.GetExtension(plain).TrimStart('.');
        return Form().IsMatch(language) && !Formats.Contains(language.ToLowerInvariant())
            && Path.GetFileName(plain).Length > language.Length + 1
            ? new(plain[..^(language.Length + 1)], language) : null;
    }

    /// <summary>Returns the name of a file without its folder, and without .gz.</summary>
    public static string WithoutPacking(string path)
    {
        string name = Path.GetFileName(path);
        return name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name;
    }

    // Endings of two or three letters that are formats and not languages.
    private static readonly string[] Formats =
    [
        "txt", "md", "tsv", "csv", "xml", "htm", "pdf", "log", "idx", "bin", "gz", "xz", "bz2", "zip", "tar", "tgz",
        "py", "sh", "cfg", "ini", "yml", "png", "jpg", "gif", "bmp", "wav", "mp3", "ogg", "mp4",
        "bif",
    ];

    [GeneratedRegex("^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$|^(source|target)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Form();
}
