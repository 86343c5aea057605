using System.Security.Cryptography;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Runs;

namespace Atelier.Server.Uploads;

/// <summary>
/// The data that requests have uploaded, each in a folder of its own named by its id. An upload is written in a hidden
/// folder, which gets its name when the upload is complete. Safe for concurrent use, also by several servers.
/// </summary>
internal sealed class UploadStore
{
    private const string Prefix = "upload-", FactsFile = "upload.json", Content = "content", Hidden = ".";
    private const int IdBytes = 16; // 128 random bits

    private readonly string? _folder;
    private readonly ServerOptions _options;

    /// <summary>Opens the folder of the options, and removes what servers that were killed have left.</summary>
    public UploadStore(ServerOptions options)
    {
        _options = options;
        string? folder = options.MostUploadBytes == 0 ? null : options.UploadsFolder
            ?? (options.RunsFolder is null ? null : Path.Combine(options.RunsFolder, "..", "uploads"));
        _folder = folder is null ? null : Path.GetFullPath(folder);
        if (!Directory.Exists(_folder))
            return;
        foreach (string left in Directory.EnumerateDirectories(_folder, $"{Hidden}{Prefix}*").ToArray())
        {
            try
            {
                if (!Run.IsHeld(left)) // another server may be writing it
                    Directory.Delete(left, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw FileFault.At(e, left);
            }
        }
    }

    /// <summary>The folder of all uploads; null if the server accepts none.</summary>
    public string? Folder => _folder;

    /// <summary>The largest size of an upload in bytes; 0 if the server accepts none.</summary>
    public long MostBytes => _folder is null ? 0 : _options.MostUploadBytes;

    /// <summary>Returns all uploads, newest first.</summary>
    public IReadOnlyList<Upload> List() => !Directory.Exists(_folder) ? []
        : [.. Directory.EnumerateDirectories(_folder, $"{Prefix}*").Select(path => Find(Path.GetFileName(path)))
            .OfType<Upload>().OrderByDescending(upload => upload.Created)
            .ThenBy(upload => upload.Id, StringComparer.Ordinal)];

    /// <summary>Returns whether a text has the form of an id.</summary>
    public static bool IsId(string id) => id.Length == Prefix.Length + (2 * IdBytes)
        && id.StartsWith(Prefix, StringComparison.Ordinal)
        && id.AsSpan(Prefix.Length).IndexOfAnyExcept("0123456789abcdef") < 0;

    /// <summary>Returns an upload by its id; null if there is none.</summary>
    public Upload? Find(string id)
    {
        if (!IsId(id) || _folder is null)
            return null;
        string facts = Path.Combine(_folder, id, FactsFile);
        try
        {
            return File.Exists(facts) ? JsonSerializer.Deserialize<Upload>(InputFile.ReadAllText(facts)) : null;
        }
        catch (Exception e) when (e is JsonException or AtelierException or IOException or UnauthorizedAccessException)
        {
            return null; // it is being deleted, or somebody has changed it
        }
    }

    /// <summary>Returns the path of an upload's data, a file or a folder.</summary>
    public string PathOf(Upload upload)
    {
        string content = Path.Combine(_folder!, upload.Id, Content);
        return upload.File is null ? content : Path.Combine(content, upload.File);
    }

    /// <summary>Returns the upload whose data are at a path; null if there is none.</summary>
    public Upload? At(string path)
    {
        if (_folder is null || !path.StartsWith(_folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            return null;
        string id = path[(_folder.Length + 1)..].Split(Path.DirectorySeparatorChar)[0];
        return Find(id) is { } upload && PathOf(upload) == path ? upload : null;
    }

    /// <summary>Begins an upload.</summary>
    /// <exception cref="ApiException">The server accepts none.</exception>
    public UploadWriter Begin()
    {
        if (_folder is null)
            throw new ApiException(StatusCodes.Status404NotFound, "this server accepts no data", code: "no_uploads");
        string id = Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        return new UploadWriter(id, Path.Combine(_folder, Hidden + id), MostBytes);
    }

    /// <summary>Makes a complete upload visible.</summary>
    /// <param name="written">The upload, without further files to come.</param>
    /// <param name="name">Its name for people; null takes that of its file.</param>
    public Upload Publish(UploadWriter written, string? name)
    {
        Upload upload = written.Describe(name);
        string place = Path.Combine(_folder!, upload.Id);
        AtomicFile.WriteText(Path.Combine(written.Folder, FactsFile), JsonSerializer.Serialize(upload));
        written.Release();
        Directory.Move(written.Folder, place);
        return upload;
    }

    /// <summary>Deletes an upload.</summary>
    public void Delete(Upload upload)
    {
        string hidden = Path.Combine(_folder!, Hidden + upload.Id);
        Directory.Move(Path.Combine(_folder!, upload.Id), hidden); // gone at once, even if deleting takes long
        Directory.Delete(hidden, recursive: true);
    }
}
