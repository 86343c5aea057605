using System.IO.MemoryMappedFiles;

namespace Atelier.Formats;

/// <summary>
/// A file mapped into memory for reading: the system brings its bytes in as they are touched and may let go of them
/// again, so that a file larger than the memory can be used. Safe to share between threads.
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
            return; // nothing can be mapped, and nothing needs to be
        _map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None,
            leaveOpen: true);
        _view = _map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>Its bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <exception cref="AtelierException">It is missing or cannot be read.</exception>
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

    /// <summary>Where a range begins in memory; valid until the file is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the file.</exception>
    /// <exception cref="ObjectDisposedException">The file is disposed.</exception>
    public byte* Pointer(long offset, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Length - offset);
        ObjectDisposedException.ThrowIf(_start is null && Length > 0, this);
        return _start + offset;
    }

    /// <summary>A range of bytes, not copied; valid until the file is disposed.</summary>
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
