using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Formats;

namespace Atelier.Data.Images;

/// <summary>An image in a folder or in an archive.</summary>
/// <param name="Name">Its path within the source, with / as separator.</param>
/// <param name="Where">Its file, for messages.</param>
/// <param name="Read">Reads the bytes of the encoded image.</param>
internal sealed record ImageEntry(string Name, string Where, Func<byte[]> Read)
{
    /// <summary>Finds the images among files and in archives, sorted by name.</summary>
    /// <param name="root">The folder that names are relative to.</param>
    /// <param name="files">The paths of the files.</param>
    /// <param name="report">Receives the files that are left out.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">An archive is damaged, or its images do not fit in memory.</exception>
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
                found.AddRange(MediaArchive.Unpack(file, IsImage, "images", others, report, cancellation)
                    .Select(image => new ImageEntry(image.Name, image.Where, () => image.Content)));
            else if (!TableFile.IsTable(file)) // tables hold labels
                others.Add(file);
        }
        SourceFolder.TellLeftOut(others, report);
        return [.. found.OrderBy(entry => entry.Name, StringComparer.Ordinal)];
    }

    /// <summary>Returns whether a name is that of an image or an archive.</summary>
    public static bool IsNamed(string name) => IsImage(name) || MediaArchive.IsNamed(name);

    /// <summary>Returns whether a name is that of an image.</summary>
    public static bool IsImage(string name) =>
        ImageFiles.Formats.Contains(Path.GetExtension(name).TrimStart('.').ToLowerInvariant());

    private static byte[] Bytes(string path)
    {
        try
        {
            return new FileInfo(path).Length <= MediaArchive.MostBytes ? InputFile.ReadAllBytes(path)
                : throw new AtelierException($"is larger than {MediaArchive.MostBytes >> 20} MiB", path,
                    "save it in a smaller size");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "check its permissions",
                e);
        }
    }
}
