using System.IO.Compression;
using System.Security.Cryptography;
using Atelier.Formats;

namespace Atelier.Data;

/// <summary>
/// Public data sets by name. A file is looked for in the mirror first (a folder with a subfolder for each data set),
/// then in the cache, and is fetched into the cache otherwise; wherever it comes from, its SHA-256 is checked.
/// </summary>
/// <param name="mirror">The mirror's folder; null for none.</param>
/// <param name="cache">The folder of downloads, with a subfolder for each data set.</param>
/// <param name="entries">The data sets; null for those that the program knows.</param>
public sealed class Catalogue(string? mirror, string cache, IReadOnlyList<CatalogueEntry>? entries = null)
{
    /// <summary>
    /// The catalogue of this machine: the mirror is the folder named by ATELIER_DATA, the cache is data in
    /// <see cref="AtelierHome"/>.
    /// </summary>
    public static Catalogue OfThisMachine()
    {
        string? mirror = Environment.GetEnvironmentVariable("ATELIER_DATA");
        return new(string.IsNullOrEmpty(mirror) ? null : mirror, Path.Combine(AtelierHome.Folder, "data"));
    }

    /// <summary>The data sets.</summary>
    public IReadOnlyList<CatalogueEntry> Entries { get; } = entries ?? CatalogueEntries.All;

    /// <summary>The data set of that name; null where there is none.</summary>
    public CatalogueEntry? Find(string name) => Entries.FirstOrDefault(entry => entry.Name == name);

    /// <summary>
    /// The folder of a data set on this machine, checked or not; null if some of it would have to be downloaded.
    /// </summary>
    public string? Folder(CatalogueEntry entry) =>
        Places(entry).FirstOrDefault(folder => entry.Files.All(file => File.Exists(Path.Combine(folder, file.Name))));

    /// <summary>Brings the files of a data set, fetching what is not here, and checks them.</summary>
    /// <param name="entry">The data set.</param>
    /// <param name="progress">Receives a one-line message about each download.</param>
    /// <param name="cancellation">Cancels the download. What was downloaded stays, and the next call continues from
    /// there.</param>
    /// <returns>The files' paths.</returns>
    /// <exception cref="AtelierException">A file cannot be had, or is not the one that the catalogue means.</exception>
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
            return false; // no gzip file
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "check its permissions",
                e);
        }
    }

    /// <summary>Whether a gzip file holds that content; no more of it than that is unpacked.</summary>
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
