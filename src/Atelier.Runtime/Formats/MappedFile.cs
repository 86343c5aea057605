using System.IO.MemoryMappedFiles;

namespace Atelier.Formats;

/// <summary>
/// A file mapped into memory for reading. The operating system loads its pages when they are accessed and may unload
/// them again, so files larger than the memory can be used. Safe for concurrent use.
/// </summary>
public sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;
    private byte* _start;

    private MappedFile(string path, FileStream stream)
    {
        (Path, Length) = (path, stream.Length);
        if (Length == 0)
            return; // an empty file cannot be mapped and does not need to be
        _map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None,
            leaveOpen: true);
        _view = _map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>The length of the file in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <exception cref="AtelierException">The file is missing or cannot be read.</exception>
    public static MappedFile Open(string path)
    {
        if (!File.Exists(path))
            throw new AtelierException("no such file", path);
        try
        {
            using var stream = InputFile.Open(path, bufferSize: 1);
            return new MappedFile(path, stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be read: {e.Message.TrimEnd('.')}", path, inner: e);
        }
    }

    /// <summary>Returns a pointer to a range of bytes, which is valid until the file is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the file.</exception>
    /// <exception cref="ObjectDisposedException">The file is disposed.</exception>
    public byte* Pointer(long offset, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Length - offset);
        ObjectDisposedException.ThrowIf(_start is null && Length > 0, this);
        return _start + offset;
    }

    /// <summary>Returns a range of bytes without copying, which is valid until the file is disposed.</summary>
    /// <inheritdoc cref="Pointer"/>
    public ReadOnlySpan<byte> Bytes(long offset, int count) => new(Pointer(offset, count), count);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_start is null)
            return;
        _start = null;
        _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map!.Dispose();
    }
}
