using System.Formats.Tar;
using System.IO.Compression;
using Atelier.Data.Text.Reading;
using Atelier.Formats;

namespace Atelier.Data;

/// <summary>
/// Reads images or sounds from zip files and from tar files, compressed or not. Nothing is written to disk, so the names
/// in an archive need not be trusted.
/// </summary>
internal static class MediaArchive
{
    /// <summary>The largest size of a file in bytes.</summary>
    public const long MostBytes = 1 << 30;

    private const long MostHeldBytes = 4L << 30; // of all files that are read from an archive
    private static readonly string[] TarEndings = [".tar", ".tar.gz", ".tgz"];

    /// <summary>Returns whether a name is that of an archive.</summary>
    public static bool IsNamed(string name) =>
        IsZip(name) || TarEndings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// Reads the files of an archive whose names are wanted. A folder that contains everything is left out of their
    /// names.
    /// </summary>
    /// <param name="path">The archive.</param>
    /// <param name="isWanted">Returns whether a file with a name is read.</param>
    /// <param name="what">What the files are in messages, in the plural: "images".</param>
    /// <param name="others">Receives the names of the other files.</param>
    /// <param name="report">Receives the progress of decompression.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The name of each file within the archive, its place for messages, and its content.</returns>
    /// <exception cref="AtelierException">It is damaged, or its files do not fit in memory.</exception>
    public static IReadOnlyList<(string Name, string Where, byte[] Content)> Unpack(string path,
        Func<string, bool> isWanted, string what, List<string> others, ReadingReport report,
        CancellationToken cancellation)
    {
        var found = new List<(string Name, byte[] Content)>();
        long held = 0;
        try
        {
            foreach ((string written, Func<byte[]> read) in IsZip(path) ? ZipFiles(path) : TarFiles(path, report))
            {
                cancellation.ThrowIfCancellationRequested();
                string name = Plain(written);
                if (SourceFolder.IsHidden(name))
                    continue;
                if (!isWanted(name))
                {
                    others.Add(name);
                    continue;
                }
                byte[] content = read();
                if ((held += content.Length) > MostHeldBytes)
                {
                    throw new AtelierException($"contains more than {MostHeldBytes >> 30} GiB of {what}", path,
                        "unpack it, and name the folder");
                }

                found.Add((name, content));
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            string kind = IsZip(path) ? "zip" : "tar";
            throw new AtelierException($"is not a valid {kind} file: " + e.Message.TrimEnd('.'), path,
                "pack or download it again", e);
        }
        int start = CommonFolder(found.ConvertAll(f => f.Name));
        return found.ConvertAll(f => (f.Name[start..], $"{path}:{f.Name}", f.Content));
    }

    /// <summary>Returns the names of the first files of an archive.</summary>
    /// <param name="path">The archive.</param>
    /// <param name="most">The largest number of names.</param>
    /// <returns>The names; those before the damage if the archive is damaged.</returns>
    public static IReadOnlyList<string> Names(string path, int most)
    {
        var names = new List<string>();
        try
        {
            names.AddRange((IsZip(path) ? ZipFiles(path) : TarFiles(path, new ReadingReport()))
                .Select(file => Plain(file.Name)).Where(name => !SourceFolder.IsHidden(name)).Take(most));
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException
            or AtelierException)
        {
            return names; // reading the archive reports the error
        }
        return names;
    }

    private static bool IsZip(string name) => name.EndsWith(".zip", StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<(string Name, Func<byte[]> Read)> TarFiles(string path, ReadingReport report)
    {
        using Stream stream = FileBytes.Open(path, report);
        using var tar = new TarReader(stream);
        while (tar.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is { } data)
                yield return (entry.Name, () => Bytes(data, path, entry.Name, limit: null)); // FileBytes limits gzip
        }
    }

    private static IEnumerable<(string Name, Func<byte[]> Read)> ZipFiles(string path)
    {
        using FileStream stream = InputFile.Open(path);
        using var zip = new ZipArchive(stream, ZipArchiveMode.Read);
        var limit = new PackingLimit(path, stream.Length);
        foreach (ZipArchiveEntry entry in zip.Entries.Where(entry => !entry.FullName.EndsWith('/')))
        {
            yield return (entry.FullName, () =>
            {
                using Stream data = entry.Open();
                return Bytes(data, path, entry.FullName, limit);
            });
        }
    }

    private static byte[] Bytes(Stream data, string path, string name, PackingLimit? limit)
    {
        using var bytes = new MemoryStream(); // grows with what is there: the header is not trusted with an allocation
        var buffer = new byte[1 << 16];
        for (int count = data.Read(buffer); count > 0; count = data.Read(buffer))
        {
            bytes.Write(buffer, 0, count);
            limit?.Add(count);
            if (bytes.Length > MostBytes)
            {
                throw new AtelierException($"is larger than {MostBytes >> 20} MiB", $"{path}:{name}",
                    "save it in a smaller size, or unpack the archive");
            }
        }
        return bytes.ToArray();
    }

    /// <summary>Returns a name with / as separator and without a leading one.</summary>
    private static string Plain(string name)
    {
        name = name.Replace('\\', '/');
        while (name.StartsWith("./", StringComparison.Ordinal) || name.StartsWith('/'))
            name = name[(name[0] == '/' ? 1 : 2)..];
        return name;
    }

    /// <summary>
    /// Returns the length, with its /, of the folder that contains all files and further folders; 0 if there is none.
    /// </summary>
    private static int CommonFolder(List<string> names)
    {
        int length = names.Count == 0 ? 0 : names[0].IndexOf('/', StringComparison.Ordinal) + 1;
        return length > 0 && names.All(name => name.StartsWith(names[0][..length], StringComparison.Ordinal))
            && names.Any(name => name.IndexOf('/', length) > 0) ? length : 0;
    }
}
