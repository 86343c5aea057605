using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Formats;

namespace Atelier.Data.Images;

/// <summary>An image in a folder or in an archive.</summary>
/// <param name="Name">Its path within the source, with / between folders.</param>
/// <param name="Where">The file that it is in, for messages.</param>
/// <param name="Read">Its bytes, as they are packed.</param>
internal sealed record ImageEntry(string Name, string Where, Func<byte[]> Read)
{
    /// <summary>The most bytes of one packed image.</summary>
    public const long MostBytes = 1 << 30;

    /// <summary>The folder that it lies in within the source; empty where in none.</summary>
    public string Folder => Name.Split('/') is [var first, _, ..] ? first : "";

    /// <summary>The images among files, and those in tar and zip files, in order of their names.</summary>
    /// <param name="root">The folder that names are relative to.</param>
    /// <param name="files">Paths.</param>
    /// <param name="report">Receives the files that are left out.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">An archive is damaged, or holds more than can be held.</exception>
    public static IReadOnlyList<ImageEntry> Find(
        string root, IEnumerable<string> files, ReadingReport report, CancellationToken cancellation)
    {
        var found = new List<ImageEntry>();
        var others = new List<string>();
        foreach (string file in files)
        {
            if (IsImage(file))
                found.Add(new(Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '/'), file,
                    () => Bytes(file)));
            else if (IsNamed(file))
                found.AddRange(ImageArchive.Unpack(file, others, report, cancellation));
            else if (!TableFile.IsTable(file)) // tables tell labels
                others.Add(file);
        }
        SourceFolder.TellLeftOut(others, report);
        return [.. found.OrderBy(entry => entry.Name, StringComparer.Ordinal)];
    }

    /// <summary>Whether a file's name is an image's or an archive's.</summary>
    public static bool IsNamed(string name) => IsImage(name) || ImageArchive.IsNamed(name);

    /// <summary>Whether a file's name is an image's.</summary>
    public static bool IsImage(string name) =>
        ImageFiles.Formats.Contains(Path.GetExtension(name).TrimStart('.').ToLowerInvariant());

    private static byte[] Bytes(string path)
    {
        try
        {
            return new FileInfo(path).Length <= MostBytes ? InputFile.ReadAllBytes(path)
                : throw new AtelierException($"is larger than {MostBytes >> 20} MiB", path, "save it smaller");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "check that it may be read",
                e);
        }
    }
}
