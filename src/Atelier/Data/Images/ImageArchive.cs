using System.Formats.Tar;
using System.IO.Compression;
using Atelier.Data.Text.Reading;
using Atelier.Formats;

namespace Atelier.Data.Images;

/// <summary>
/// Images in tar files, packed or not, and in zip files. Nothing is written anywhere, so their names need no trust.
/// </summary>
internal static class ImageArchive
{
    private const long MostHeldBytes = 4L << 30; // of an archive's images
    private static readonly string[] TarEndings = [".tar", ".tar.gz", ".tgz"];

    /// <summary>Whether a file's name is an archive's.</summary>
    public static bool IsNamed(string name) =>
        IsZip(name) || TarEndings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>The images of an archive. A folder that all of it lies in counts for nothing.</summary>
    /// <param name="path">The archive.</param>
    /// <param name="others">Takes the names of files that are no images.</param>
    /// <param name="report">Receives the progress of decompression.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">It is damaged, or holds more than can be held.</exception>
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
                    throw new AtelierException($"holds more than {MostHeldBytes >> 30} GiB of pictures", path,
                        "unpack it, and name the folder");
                }

                found.Add((name, image));
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            string kind = IsZip(path) ? "zip" : "tar";
            throw new AtelierException($"is no sound {kind} file: " + e.Message.TrimEnd('.'), path,
                "pack or fetch it again", e);
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
                    "save it smaller");
            }
        }
        return bytes.ToArray();
    }

    /// <summary>A name with / between its parts and nothing before them.</summary>
    private static string Plain(string name)
    {
        name = name.Replace('\\', '/');
        while (name.StartsWith("./", StringComparison.Ordinal) || name.StartsWith('/'))
            name = name[(name[0] == '/' ? 1 : 2)..];
        return name;
    }

    /// <summary>
    /// The length of the folder, with its /, that all names begin with and that has folders in it; 0 for none.
    /// </summary>
    private static int CommonFolder(List<string> names)
    {
        int length = names.Count == 0 ? 0 : names[0].IndexOf('/', StringComparison.Ordinal) + 1;
        return length > 0 && names.All(name => name.StartsWith(names[0][..length], StringComparison.Ordinal))
            && names.Any(name => name.IndexOf('/', length) > 0) ? length : 0;
    }
}
