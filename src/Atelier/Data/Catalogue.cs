using System.IO.Compression;
using System.Security.Cryptography;
using Atelier.Formats;

namespace Atelier.Data;

/// <summary>
/// A catalogue of public data sets. A file is searched first in the mirror (a folder with a subfolder for each data
/// set), then in the cache; otherwise it is downloaded to the cache. In each case its SHA-256 is verified.
/// </summary>
/// <param name="mirror">The folder of the mirror; null for none.</param>
/// <param name="cache">The folder of downloads, with a subfolder for each data set.</param>
/// <param name="entries">The data sets; null for the built-in list.</param>
public sealed class Catalogue(string? mirror, string cache, IReadOnlyList<CatalogueEntry>? entries = null)
{
    /// <summary>
    /// Returns the catalogue of this machine: its mirror is the folder that the environment variable ATELIER_DATA
    /// names, its cache the folder "data" in <see cref="AtelierHome"/>.
    /// </summary>
    public static Catalogue OfThisMachine()
    {
        string? mirror = Environment.GetEnvironmentVariable("ATELIER_DATA");
        return new(string.IsNullOrEmpty(mirror) ? null : mirror, Path.Combine(AtelierHome.Folder, "data"));
    }

    /// <summary>The data sets.</summary>
    public IReadOnlyList<CatalogueEntry> Entries { get; } = entries ?? CatalogueEntries.All;

    /// <summary>Returns the data set with the given name; null if there is none.</summary>
    public CatalogueEntry? Find(string name) => Entries.FirstOrDefault(entry => entry.Name == name);

    /// <summary>
    /// Returns the folder of a data set on this machine, without verifying its files; null if a file would have to be
    /// downloaded.
    /// </summary>
    public string? Folder(CatalogueEntry entry) =>
        Places(entry).FirstOrDefault(folder => entry.Files.All(file => File.Exists(Path.Combine(folder, file.Name))));

    /// <summary>Returns the verified files of a data set, and downloads those that are not on this machine.</summary>
    /// <param name="entry">The data set.</param>
    /// <param name="progress">Receives a one-line message about each download.</param>
    /// <param name="cancellation">Cancels the download. The bytes downloaded so far are kept, and the next call resumes
    /// from there.</param>
    /// <returns>The paths of the files.</returns>
    /// <exception cref="AtelierException">A file cannot be obtained, or its SHA-256 is wrong.</exception>
    public IReadOnlyList<string> Get(CatalogueEntry entry, IProgress<string>? progress = null,
        CancellationToken cancellation = default) =>
        [.. entry.Files.Select(file => Get(entry, file, progress, cancellation))];

    private IEnumerable<string> Places(CatalogueEntry entry)
    {
        if (mirror is not null)
            yield return Path.Combine(mirror, entry.Folder);
        yield return Path.Combine(cache, entry.Folder);
    }

    private string Get(CatalogueEntry entry, CatalogueFile file, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        foreach (string folder in Places(entry))
        {
            string path = Path.Combine(folder, file.Name);
            if (!File.Exists(path))
                continue;
            if (!IsMeant(path, file))
                throw new AtelierException(
                    $"differs from the file of {entry.Name} in the catalogue: its SHA-256 is different", path,
                    "delete it, and it is downloaded again");
            return path;
        }
        string target = Path.Combine(cache, entry.Folder, file.Name);
        if (file.Url is null)
        {
            throw new AtelierException($"{file.Name} of {entry.Name} cannot be downloaded as a file", target,
                $"create it from {entry.Source}, and put it there or in {entry.Folder} in the folder that "
                    + $"ATELIER_DATA names");
        }
        Download.Fetch(file, target, progress, cancellation);
        return target;
    }

    /// <summary>
    /// Returns whether a file, or the content of a gzip file, has the length and hash that the catalogue gives.
    /// </summary>
    /// <exception cref="AtelierException">The file cannot be read.</exception>
    internal static bool IsMeant(string path, CatalogueFile file)
    {
        try
        {
            using FileStream stream = InputFile.Open(path);
            if (stream.Length == file.Bytes && Convert.ToHexStringLower(SHA256.HashData(stream)) == file.Sha256)
                return true;
            stream.Position = 0;
            return file.Content is { } content && Holds(stream, content);
        }
        catch (InvalidDataException)
        {
            return false; // not a gzip file
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "check its permissions",
                e);
        }
    }

    /// <summary>
    /// Returns whether a gzip file holds the given content. It stops decompressing once there is more than that.
    /// </summary>
    private static bool Holds(Stream packed, FileContent content)
    {
        using var unpacked = new GZipStream(packed, CompressionMode.Decompress);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        long length = 0;
        for (int read; length <= content.Bytes && (read = unpacked.Read(buffer)) > 0; length += read)
            hash.AppendData(buffer, 0, read);
        return length == content.Bytes && Convert.ToHexStringLower(hash.GetHashAndReset()) == content.Sha256;
    }
}
