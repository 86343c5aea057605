using Atelier.Data;

namespace Atelier.Server.Uploads;

/// <summary>An upload that is being received. Nothing of it stays unless it is published.</summary>
/// <param name="id">The id.</param>
/// <param name="folder">The hidden folder to write to.</param>
/// <param name="mostBytes">The largest size of all files.</param>
internal sealed class UploadWriter(string id, string folder, long mostBytes) : IDisposable
{
    private const int MostFiles = 50_000, BlockBytes = 1 << 16;
    private const string LockFile = ".lock"; // as runs have it: it tells other servers that this one is writing

    private readonly List<string> _names = [];
    private FileStream? _lock;
    private long _bytes;

    /// <summary>The folder of the upload.</summary>
    public string Folder => folder;

    private string Content => Path.Combine(folder, "content");

    /// <summary>Receives a file.</summary>
    /// <param name="name">Its name, which may hold folders.</param>
    /// <param name="source">The content.</param>
    /// <param name="cancellation">Cancels receiving.</param>
    /// <exception cref="ApiException">The name may not be used, or there are too many files or bytes.</exception>
    public async Task AddAsync(string name, Stream source, CancellationToken cancellation)
    {
        string[] segments = UploadName.Split(name);
        if (_names.Count >= MostFiles)
            throw new ApiException(StatusCodes.Status413PayloadTooLarge,
                $"there are more than {MostFiles} files; pack them in one .zip or .tar file", "file", "too_many_files");
        string path = Path.Combine([Content, .. segments]);
        if (Path.Exists(path) || segments.Length > 1 && IsBelowFile(segments))
            throw ApiException.Invalid("file", $"the name '{name}' is given twice, or is a folder and a file",
                "invalid_file_name");
        Directory.CreateDirectory(folder);
        _lock ??= new FileStream(Path.Combine(folder, LockFile), FileMode.Create, FileAccess.ReadWrite,
            FileShare.None, 1);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, BlockBytes);
        await using (file.ConfigureAwait(false))
        {
            var block = new byte[BlockBytes];
            for (int read; (read = await source.ReadAsync(block, cancellation).ConfigureAwait(false)) > 0;)
            {
                if ((_bytes += read) > mostBytes)
                    throw TooLarge(mostBytes);
                await file.WriteAsync(block.AsMemory(0, read), cancellation).ConfigureAwait(false);
            }
        }
        _names.Add(name);
    }

    /// <summary>The error of an upload that is too large.</summary>
    public static ApiException TooLarge(long mostBytes) => new(StatusCodes.Status413PayloadTooLarge,
        $"the upload is larger than this server accepts, {mostBytes} bytes", "file", "body_too_large");

    /// <summary>Returns what was received, with the kind of the data.</summary>
    /// <param name="name">The name for people; null takes that of the file, or of the folder of all files.</param>
    /// <exception cref="ApiException">Nothing was received.</exception>
    /// <exception cref="AtelierException">An archive is damaged.</exception>
    public Upload Describe(string? name)
    {
        if (_names.Count == 0)
            throw ApiException.Invalid("file", "there is no file; send one or more parts named 'file'");
        string? only = _names is [var one] && !one.Contains('/', StringComparison.Ordinal) ? one : null;
        string[] tops = [.. _names.Select(file => file.Split('/')[0]).Distinct()];
        string kind = SourceKind.NameOf(SourceKind.Of(only is null ? Content : Path.Combine(Content, only)));
        return new Upload(id, name ?? only ?? (tops.Length == 1 ? tops[0] : Quantity.Of(_names.Count, "file")), kind,
            _bytes, _names.Count, DateTimeOffset.UtcNow, only);
    }

    /// <summary>Ends writing, so that the folder can be moved.</summary>
    public void Release()
    {
        _lock?.Dispose();
        File.Delete(Path.Combine(folder, LockFile));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lock?.Dispose();
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private bool IsBelowFile(string[] segments) => Enumerable.Range(1, segments.Length - 1)
        .Any(depth => File.Exists(Path.Combine([Content, .. segments[..depth]])));
}
