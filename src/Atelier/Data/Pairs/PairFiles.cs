using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Pairs;

/// <summary>The files of pairs that a source names.</summary>
/// <param name="Sets">The tables and pairs of parallel files, sorted by name.</param>
/// <param name="Origin">The catalogue entry or folder that contains them; null for files that the source names.</param>
/// <param name="Reading">The reading options of a catalogue entry; null for other sources.</param>
internal sealed record PairFiles(IReadOnlyList<PairSet> Sets, string? Origin, ReadingOptions? Reading)
{
    private static readonly string[] Tables = ["tsv", "csv", "jsonl", "parquet"];

    /// <summary>
    /// Finds two parallel files (a,b), a catalogue entry or a part of it (entry:name), a table, a folder, or parallel
    /// files by what their paths begin with.
    /// </summary>
    /// <exception cref="AtelierException">There is no such source, or its files hold no pairs.</exception>
    public static PairFiles Find(DataSection section, ReadingReport report, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        string source = section.Source;
        PairsSection pairs = section.Pairs;
        if (AreTwo(source))
            return new([Parallel(source, pairs)], null, null);
        if (Beginning(source) is { } named)
            return new(Group(named, source, pairs, report), null, null);
        string[] name = source.Split(':', 2); // an entry, and which of its files
        var catalogue = Catalogue.OfThisMachine();
        bool isPart = name.Length == 2 && !Path.Exists(source) && catalogue.Find(name[0]) is not null;
        var found = SourceFiles.Find(isPart ? name[0] : source, report, progress, cancellation);
        if (found.Entry is { } entry)
        {
            string[] files = [.. found.Paths.Where(file => !isPart || IsBeginning(name[1], Path.GetFileName(file)))];
            if (files.Length == 0)
                throw new AtelierException($"the data set {entry.Name} has no files named {name[1]}", source,
                    $"its files are {string.Join(", ", entry.Files.Select(file => file.Name))}");
            return new(Group(files, source, pairs, report, anyTable: true), entry.Name, entry.Reading);
        }
        return Directory.Exists(source)
            ? new(Group(SourceFolder.Files(source, cancellation), source, pairs, report), source, null)
            : new([PairSet.Table(source)], null, null);
    }

    /// <summary>Returns whether a source is two files with a comma between them.</summary>
    public static bool AreTwo(string source) =>
        source.Contains(',', StringComparison.Ordinal) && !Path.Exists(source);

    /// <summary>Returns whether some files are named for languages, with the same name otherwise.</summary>
    public static bool AreParallel(IEnumerable<string> files) => Parallels(files).Any();

    /// <summary>Returns the source that names one of these sets alone.</summary>
    public string SourceOf(PairSet set) => Reading is null
        ? set.Target is null ? set.Source : PairName.Of(set.Source)!.Stem
        : $"{Origin}:{set.Name}";

    /// <summary>Returns the two files of a source such as train.de,train.en.</summary>
    private static PairSet Parallel(string source, PairsSection pairs)
    {
        string[] files = source.Split(',', StringSplitOptions.TrimEntries);
        if (files is not [{ Length: > 0 } first, { Length: > 0 } second])
            throw new AtelierException($"names {files.Length} files, but parallel texts are in two", source,
                "write two files with a comma between them, such as train.de,train.en");
        PairName? a = PairName.Of(first), b = PairName.Of(second);
        bool swapped = a is not null && b is not null
            && (IsLanguage(pairs.SourceLanguage, b) || IsLanguage(pairs.TargetLanguage, a))
            && (pairs.SourceLanguage is null || IsLanguage(pairs.SourceLanguage, b))
            && (pairs.TargetLanguage is null || IsLanguage(pairs.TargetLanguage, a));
        string name = Path.GetFileName(a?.Stem ?? first);
        return swapped ? new(name, second, first) : new(name, first, second);
    }

    private static bool IsLanguage(string? wanted, PairName name) =>
        name.Language.Equals(wanted, StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns the parallel files whose paths begin with a source; null if there are none.</summary>
    private static string[]? Beginning(string source)
    {
        string folder = Path.GetDirectoryName(source) is { Length: > 0 } inner ? inner : ".";
        if (Path.Exists(source) || !Directory.Exists(folder) || Path.GetFileName(source).Length == 0)
            return null;
        string[] files = [.. Directory.EnumerateFiles(folder)
            .Where(file => IsBeginning(Path.GetFileName(source), Path.GetFileName(file))
                && PairName.Of(file) is not null).Order(StringComparer.Ordinal)];
        return files.Length > 1 ? files : null;
    }

    /// <summary>Returns whether a file name begins with whole words.</summary>
    private static bool IsBeginning(string beginning, string name) =>
        name.StartsWith(beginning, StringComparison.Ordinal)
        && (name.Length == beginning.Length || !char.IsLetterOrDigit(name[beginning.Length]));

    /// <summary>Returns the parallel files among files; if there are none, their tables.</summary>
    private static List<PairSet> Group(IReadOnlyList<string> files, string source, PairsSection pairs,
        ReadingReport report, bool anyTable = false)
    {
        List<(string Stem, List<(string File, PairName Name)> Files)> named = [.. Parallels(files)];
        if (named.Count == 0)
        {
            string[] tables = [.. files.Where(file => anyTable || Tables.Contains(TextSource.Format(file)))];
            SourceFolder.TellLeftOut(files.Except(tables), report);
            return tables.Length > 0 ? [.. tables.Select(PairSet.Table)]
                : throw new AtelierException("contains no pairs", source, "it should contain tables (.tsv, .csv, "
                    + ".jsonl, .parquet) or files named for languages (train.de, train.en), or these with .gz");
        }
        string[] languages = [.. named.SelectMany(group => group.Files.Select(file => file.Name.Language))
            .Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase)];
        (string from, string to) = Languages(languages, source, pairs, report);
        var sets = new List<PairSet>();
        foreach ((string stem, var group) in named)
        {
            string? In(string language) => group.FirstOrDefault(file => IsLanguage(language, file.Name)).File;
            if (In(from) is { } first && In(to) is { } second)
                sets.Add(new(Path.GetFileName(stem), first, second));
        }
        SourceFolder.TellLeftOut(files.Except(sets.SelectMany(set => (string[])[set.Source, set.Target!])), report);
        return sets.Count > 0 ? sets
            : throw new AtelierException($"contains no file in both {from} and {to}", source,
                "choose the languages with data.pairs.sourceLanguage and data.pairs.targetLanguage");
    }

    /// <summary>Groups the files that are named for languages, and have the same name otherwise.</summary>
    private static IEnumerable<(string Stem, List<(string File, PairName Name)> Files)> Parallels(
        IEnumerable<string> files) =>
        files.Select(file => (File: file, Name: PairName.Of(file)!)).Where(file => file.Name is not null)
            .GroupBy(file => file.Name.Stem, (stem, group) => (stem, group.ToList()))
            .Where(group => group.Item2.Count > 1).OrderBy(group => group.stem, StringComparer.Ordinal);

    private static (string Source, string Target) Languages(string[] languages, string source, PairsSection pairs,
        ReadingReport report)
    {
        string Known(string wanted) => languages.FirstOrDefault(language =>
            language.Equals(wanted, StringComparison.OrdinalIgnoreCase))
            ?? throw new AtelierException($"has no files in {wanted}", source,
                $"there are files in {string.Join(", ", languages)}");
        string? first = pairs.SourceLanguage is { } from ? Known(from) : null;
        string? second = pairs.TargetLanguage is { } to ? Known(to) : null;
        if (first is not null && first == second)
            throw new AtelierException($"the source and the target language are both {first}", "data.pairs",
                "choose two languages");
        if (languages.Length > 2 && (first is null || second is null))
            throw new AtelierException($"has files in {string.Join(", ", languages)}", source,
                "choose two of them with data.pairs.sourceLanguage and data.pairs.targetLanguage");
        bool isGiven = first is not null || second is not null;
        first ??= languages.First(language => language != second);
        second ??= languages.First(language => language != first);
        if (!isGiven)
            report.Note($"The source language is {(pairs.Reverse ? second : first)} and the target language "
                + $"{(pairs.Reverse ? first : second)}: data.pairs.sourceLanguage chooses.");
        return (first, second);
    }
}
