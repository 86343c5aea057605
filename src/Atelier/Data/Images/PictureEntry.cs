using System.Formats.Tar;
using Atelier.Data.Text.Reading;

namespace Atelier.Data.Images;

/// <summary>A picture in a folder or in a tar file.</summary>
/// <param name="Name">Its path within the source, with / between folders.</param>
/// <param name="Where">The file that it is in, for messages.</param>
/// <param name="Read">Its bytes, as they are packed.</param>
internal sealed record PictureEntry(string Name, string Where, Func<byte[]> Read)
{
    private const long MostBytes = 1 << 30; // of one packed picture
    private const long MostTarBytes = 4L << 30; // of a tar file's pictures, which are held

    /// <summary>The folder that it lies in within the source; empty where in none.</summary>
    public string Folder => Name.Split('/') is [var first, _, ..] ? first : "";

    /// <summary>The pictures among files, and those in tar files, in order of their names.</summary>
    /// <param name="root">What names are told from.</param>
    /// <param name="files">Paths.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="AtelierException">A tar file is damaged, or holds more than can be held.</exception>
    public static IReadOnlyList<PictureEntry> Find(string root, IEnumerable<string> files, CancellationToken cancellation)
    {
        var found = new List<PictureEntry>();
        foreach (string file in files)
        {
            if (IsPicture(file))
                found.Add(new(Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '/'), file, () => Bytes(file)));
            else if (IsTar(file))
                found.AddRange(Unpack(file, cancellation));
        }
        return [.. found.OrderBy(entry => entry.Name, StringComparer.Ordinal)];
    }

    /// <summary>Whether a file's name is a picture's or a tar file's.</summary>
    public static bool IsNamed(string name) => IsPicture(name) || IsTar(name);

    private static bool IsPicture(string name) => PictureFiles.Formats.Contains(Path.GetExtension(name).TrimStart('.').ToLowerInvariant());

    private static bool IsTar(string name) =>
        ((string[])[".tar", ".tar.gz", ".tgz"]).Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    private static byte[] Bytes(string path)
    {
        try
        {
            return new FileInfo(path).Length <= MostBytes ? File.ReadAllBytes(path)
                : throw new AtelierException($"is larger than {MostBytes >> 20} MiB", path, "save it smaller");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "check that it may be read", e);
        }
    }

    /// <summary>The pictures of a tar file. Nothing is written anywhere, so their names need no trust.</summary>
    private static List<PictureEntry> Unpack(string path, CancellationToken cancellation)
    {
        var found = new List<PictureEntry>();
        long held = 0;
        try
        {
            using Stream stream = FileBytes.Open(path);
            using var tar = new TarReader(stream);
            while (tar.GetNextEntry() is { } entry)
            {
                cancellation.ThrowIfCancellationRequested();
                if (entry.DataStream is not { } data || !IsPicture(entry.Name))
                    continue;
                if (entry.Length > MostBytes || (held += entry.Length) > MostTarBytes)
                    throw new AtelierException($"holds more than {MostTarBytes >> 30} GiB of pictures", path, "unpack it, and name the folder");
                var bytes = new MemoryStream(); // grows with what is there: the header is not trusted with an allocation
                data.CopyTo(bytes);
                byte[] picture = bytes.ToArray();
                found.Add(new(entry.Name.TrimStart('.', '/'), $"{path}:{entry.Name}", () => picture));
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or IOException)
        {
            throw new AtelierException("is no sound tar file: " + e.Message.TrimEnd('.'), path, "pack or fetch it again", e);
        }
        return found;
    }
}
