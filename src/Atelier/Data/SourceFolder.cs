using Atelier.Data.Text.Reading;

namespace Atelier.Data;

/// <summary>The files of a folder that hold data.</summary>
internal static class SourceFolder
{
    private const int MostDepth = 64;
    private const int MostEndings = 6; // endings that are named of files left out

    // What systems and tools leave behind in folders and archives, besides names that begin with a dot.
    private static readonly string[] Leftovers = ["__MACOSX", "Thumbs.db", "desktop.ini"];

    /// <summary>
    /// The files below a folder in order of their names, without hidden ones (.git, .DS_Store, ._x) and what systems
    /// leave behind (__MACOSX).
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">
    /// A link leads back to a folder that it lies in, or folders lie too deep.
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
    /// Whether a path within a folder or an archive, with / between its parts, is hidden or a leftover.
    /// </summary>
    public static bool IsHidden(string name) => name.Split('/').Any(part =>
        (part.StartsWith('.') && part is not ("." or ".."))
        || Leftovers.Contains(part, StringComparer.OrdinalIgnoreCase));

    /// <summary>Reports how many files are not read, by extension.</summary>
    public static void TellLeftOut(IEnumerable<string> files, ReadingReport report)
    {
        (string Ending, int Count)[] endings = [.. files
            .GroupBy(file => Path.GetExtension(file).ToLowerInvariant())
            .Select(group => (group.Key.Length > 0 ? group.Key : "without an extension", group.Count()))
            .OrderByDescending(ending => ending.Item2).ThenBy(ending => ending.Item1, StringComparer.Ordinal)];
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

    private static void Collect(DirectoryInfo folder, List<string> above, List<string> files,
        CancellationToken cancellation)
    {
        if (above.Count > MostDepth)
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
            string real = RealPath(inner, above[^1]);
            if (above.Contains(real))
            {
                throw new AtelierException("is a link to one of its own parent folders", inner.FullName,
                    "remove the link");
            }

            above.Add(real);
            Collect(new DirectoryInfo(Path.Combine(folder.ToString(), inner.Name)), above, files, cancellation);
            above.RemoveAt(above.Count - 1);
        }
    }

    private static string RealPath(DirectoryInfo folder, string? above) =>
        Path.TrimEndingDirectorySeparator(folder.ResolveLinkTarget(returnFinalTarget: true)?.FullName
            ?? (above is null ? folder.FullName : Path.Combine(above, folder.Name)));
}
