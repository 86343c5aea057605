using Atelier.Data.Text.Reading;

namespace Atelier.Data;

/// <summary>The files of a data source.</summary>
/// <param name="Paths">The files of a catalogue entry, or the one file or folder that the source names.</param>
/// <param name="Entry">The catalogue entry; null if the source is a path.</param>
internal sealed record SourceFiles(IReadOnlyList<string> Paths, CatalogueEntry? Entry)
{
    /// <summary>Finds a catalogue entry, a file or a folder.</summary>
    /// <param name="source">The source as a recipe names it.</param>
    /// <param name="report">Receives a note if the name is ambiguous.</param>
    /// <param name="progress">Receives a message about each download.</param>
    /// <param name="cancellation">Cancels downloads.</param>
    /// <param name="others">Further known names, which the error for an unknown name may suggest.</param>
    /// <exception cref="AtelierException">There is no such source.</exception>
    public static SourceFiles Find(string source, ReadingReport report, IProgress<string>? progress,
        CancellationToken cancellation, IEnumerable<string>? others = null)
    {
        var catalogue = Catalogue.OfThisMachine();
        if (catalogue.Find(source) is { } entry)
        {
            if (Path.Exists(source))
                report.Note($"'{source}' is the data set of the catalogue; for the file or folder with this name, "
                    + $"write ./{source}.");
            return new(catalogue.Get(entry, progress, cancellation), entry);
        }
        if (Path.Exists(source))
            return new([source], null);
        string? near = Spelling.Nearest(source, catalogue.Entries.Select(e => e.Name).Concat(others ?? []));
        throw new AtelierException("there is no such file or folder, and no data set with this name in the catalogue",
            source,
            near is null ? $"{Mention.Command("data list")} shows the catalogue"
                : $"did you mean '{near}'? {Mention.Command("data list")} shows the catalogue");
    }

    /// <summary>
    /// Returns the name of a source for files that may be published, such as a model card: for a path, only its last
    /// part.
    /// </summary>
    /// <param name="source">The source as a recipe names it.</param>
    public static string PublicName(string source) =>
        source is "." or ".." || source.AsSpan().ContainsAny('/', '\\')
            ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(source)))
            : source;

    /// <summary>
    /// Returns the individual files, replacing a folder by its files with one of the given extensions, sorted by name.
    /// </summary>
    /// <param name="report">Receives a note of the files that are left out.</param>
    /// <param name="formats">The extensions, without the dot.</param>
    /// <exception cref="AtelierException">The folder holds no such file.</exception>
    public IReadOnlyList<string> Expand(ReadingReport report, params IReadOnlyList<string> formats)
    {
        if (Paths is not [var folder] || !Directory.Exists(folder))
            return Paths;
        IReadOnlyList<string> all = SourceFolder.Files(folder);
        string[] files = [.. all.Where(file => formats.Contains(TextSource.Format(file)))];
        SourceFolder.TellLeftOut(all.Except(files), report);
        return files.Length > 0 ? files : throw new AtelierException("the folder contains no data", folder,
            $"it should contain files named {string.Join(", ", formats.Select(format => "." + format))}, or "
                + $"these with .gz");
    }
}
