namespace Atelier.Formats;

/// <summary>
/// Writes a file completely or not at all: to a temporary file in the same folder, which is flushed to the disk and
/// then renamed.
/// </summary>
public static class AtomicFile
{
    /// <summary>Writes a file. If writing fails, an existing file is unchanged.</summary>
    /// <param name="path">The path of the file. Its folder is created if it is missing.</param>
    /// <param name="write">Writes the content to a stream.</param>
    /// <exception cref="AtelierException">The disk is full or the file cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        string temporary = full + ".partial";
        try
        {
            if (!OperatingSystem.IsWindows() && full.StartsWith("/dev/", StringComparison.Ordinal))
            {
                // a device cannot be replaced by a renamed file
                using var device = new FileStream(full, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
                write(device);
                return;
            }
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            using (var stream =
                new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw FileFault.At(e, path);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
    }

    /// <summary>Writes text as UTF-8 without a byte order mark.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteText(string path, string text) => Write(path, stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true);
        writer.Write(text);
    });

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (IOException)
        {
            // The user gets the error of the failed write. A leftover temporary file does no harm.
        }
    }
}
