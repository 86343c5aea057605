using System.Formats.Tar;
using System.IO.Compression;
using Atelier.Data.Text.Reading;
using Atelier.Formats;

namespace Atelier.Data.Images;

/// <summary>
/// Reads images from zip files and from tar files, compressed or not. Nothing is written to disk, so the names in an
/// archive need not be trusted.
/// </summary>
internal static class ImageArchive
{
    private const long MostHeldBytes = 4L << 30; // of all images of an archive
    private static readonly string[] TarEndings = [".tar", ".tar.gz", ".tgz"];

    /// <summary>Returns whether a name is that of an archive.</summary>
    public static bool IsNamed(string name) =>
        IsZip(name) || TarEndings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads the images of an archive. A folder that contains everything is left out of their names.</summary>
    /// <param name="path">The archive.</param>
    /// <param name="others">Receives the names of files that are not images.</param>
    /// <param name="report">Receives the progress of decompression.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">It is damaged, or its images do not fit in memory.</exception>
    public static IReadOnlyList<ImageEntry> Unpack(
        string path, List<string> others, ReadingReport report, CancellationToken cancellation)
    {
        var found = new List<(string Name, byte[] Image)>();
        long held = 0;
        try
        {
            foreach ((string written, Func<byte[]> read) in IsZip(path) ? ZipFiles(path) : TarFiles(path, report))
            {
                cancellation.ThrowIfCancellationRequested();
                string name = Plain(written);
                if (SourceFolder.IsHidden(name))
                    continue;
                if (!ImageEntry.IsImage(name))
                {
                    others.Add(name);
                    continue;
                }
                byte[] image = read();
                if ((held += image.Length) > MostHeldBytes)
                {
                    throw new AtelierException($"contains more than {MostHeldBytes >> 30} GiB of images", path,
                        "unpack it, and name the folder");
                }

                found.Add((name, image));
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            string kind = IsZip(path) ? "zip" : "tar";
            throw new AtelierException($"is not a valid {kind} file: " + e.Message.TrimEnd('.'), path,
                "pack or download it again", e);
        }
        int start = CommonFolder(found.ConvertAll(f => f.Name));
        return found.ConvertAll(f => new ImageEntry(f.Name[start..], $"{path}:{f.Name}", () => f.Image));
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
            if (bytes.Length > ImageEntry.MostBytes)
            {
                throw new AtelierException($"is larger than {ImageEntry.MostBytes >> 20} MiB", $"{path}:{name}",
                    "save it in a smaller size");
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
