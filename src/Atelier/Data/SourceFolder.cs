using Atelier.Data.Text.Reading;

namespace Atelier.Data;

/// <summary>Lists the data files of a folder.</summary>
internal static class SourceFolder
{
    private const int MostDepth = 64;
    private const int MostNamed = 20; // damaged files that are named
    private const int MostEndings = 6; // the most extensions that a note of files left out lists

    // Files that operating systems and tools leave in folders and archives, besides names that begin with a dot.
    private static readonly string[] Leftovers = ["__MACOSX", "Thumbs.db", "desktop.ini"];

    /// <summary>
    /// Returns all files in a folder and its subfolders, sorted by path, without hidden files (.git, .DS_Store, ._x)
    /// and files that operating systems leave behind (__MACOSX).
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">
    /// A link leads to one of its own parent folders, or folders are nested too deeply.
    /// </exception>
    public static IReadOnlyList<string> Files(string folder, CancellationToken cancellation = default)
    {
        var files = new List<string>();
        try
        {
            Collect(new DirectoryInfo(folder), [RealPath(new DirectoryInfo(folder), null)], files, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException(
                "cannot be read: " + e.Message.TrimEnd('.'), folder, "check its permissions", e);
        }
        files.Sort(StringComparer.Ordinal);
        return files;
    }

    /// <summary>
    /// Returns whether a path in a folder or archive is hidden or a leftover of the system. Its parts are separated by
    /// "/".
    /// </summary>
    public static bool IsHidden(string name) => name.Split('/').Any(part =>
        (part.StartsWith('.') && part is not ("." or ".."))
        || Leftovers.Contains(part, StringComparer.OrdinalIgnoreCase));

    /// <summary>Adds a note of how many files are left out, by extension.</summary>
    public static void TellLeftOut(IEnumerable<string> files, ReadingReport report)
    {
        (string Ending, int Count)[] endings =
        [
            .. files.GroupBy(file => Path.GetExtension(file).ToLowerInvariant())
                .Select(group => (group.Key.Length > 0 ? group.Key : "without an extension", group.Count()))
                .OrderByDescending(ending => ending.Item2).ThenBy(ending => ending.Item1, StringComparer.Ordinal),
        ];
        if (endings.Length == 0)
            return;
        List<string> named =
            [.. endings.Take(MostEndings).Select(e => FormattableString.Invariant($"{e.Count} {e.Ending}"))];
        int others = endings.Skip(MostEndings).Sum(e => e.Count);
        if (others > 0)
            named.Add(FormattableString.Invariant($"{others} more"));
        report.Note($"{Quantity.Of(endings.Sum(e => e.Count), "file")} of other types ignored: "
            + $"{string.Join(", ", named)}.");
    }

    /// <summary>Adds notes of files that were skipped because they are damaged.</summary>
    /// <param name="damaged">The name of each file, followed by what is wrong with it.</param>
    /// <param name="noun">What a file is, in the singular: "image".</param>
    /// <param name="report">Receives the notes.</param>
    public static void TellDamaged(IReadOnlyList<string> damaged, string noun, ReadingReport report)
    {
        foreach (string what in damaged.Take(MostNamed))
            report.Note($"{what}: skipped.");
        if (damaged.Count > MostNamed)
            report.Note($"{damaged.Count - MostNamed} more damaged {noun}s were skipped.");
    }

    private static void Collect(DirectoryInfo folder, List<string> parents, List<string> files,
        CancellationToken cancellation)
    {
        if (parents.Count > MostDepth)
            throw new AtelierException($"folders are nested more than {MostDepth} deep", folder.FullName,
                "move the data to a folder further up");
        var every = new EnumerationOptions { AttributesToSkip = FileAttributes.None };
        foreach (FileSystemInfo entry in folder.EnumerateFileSystemInfos("*", every))
        {
            cancellation.ThrowIfCancellationRequested();
            bool isHidden = OperatingSystem.IsWindows() && entry.Attributes.HasFlag(FileAttributes.Hidden);
            if (isHidden || IsHidden(entry.Name))
                continue;
            if (entry is not DirectoryInfo inner)
            {
                files.Add(Path.Combine(folder.ToString(), entry.Name));
                continue;
            }
            string real = RealPath(inner, parents[^1]);
            if (parents.Contains(real))
            {
                throw new AtelierException("is a link to one of its own parent folders", inner.FullName,
                    "remove the link");
            }

            parents.Add(real);
            Collect(new DirectoryInfo(Path.Combine(folder.ToString(), inner.Name)), parents, files, cancellation);
            parents.RemoveAt(parents.Count - 1);
        }
    }

    private static string RealPath(DirectoryInfo folder, string? parent) =>
        Path.TrimEndingDirectorySeparator(folder.ResolveLinkTarget(returnFinalTarget: true)?.FullName
            ?? (parent is null ? folder.FullName : Path.Combine(parent, folder.Name)));
}
