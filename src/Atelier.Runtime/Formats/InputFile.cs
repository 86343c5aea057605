using System.Runtime.InteropServices;

namespace Atelier.Formats;

/// <summary>
/// Opens files that the user names. Only regular files are opened: pipes and devices are refused beforehand, because
/// opening them could block forever.
/// </summary>
public static partial class InputFile
{
    private const int KindMask = 0xF000; // S_IFMT of POSIX's sys/stat.h

    /// <summary>Opens a file for reading.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="bufferSize">The size of the read buffer in bytes; 0 or 1 disables buffering.</param>
    /// <exception cref="AtelierException">The path is a folder, a pipe, a device or a socket.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the file is denied.</exception>
    public static FileStream Open(string path, int bufferSize = 1 << 16)
    {
        RequireRegular(path);
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize);
    }

    /// <summary>Reads the whole content of a file.</summary>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static byte[] ReadAllBytes(string path)
    {
        RequireRegular(path);
        return File.ReadAllBytes(path);
    }

    /// <summary>Reads the whole content of a file that a user names.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="AtelierException">It cannot be read; the message says why.</exception>
    public static byte[] Load(string path)
    {
        try
        {
            return ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "check the name", e);
        }
    }

    /// <summary>Reads a text file in UTF-8, or in UTF-16 or UTF-32 if it has a byte order mark.</summary>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static string ReadAllText(string path)
    {
        RequireRegular(path);
        return File.ReadAllText(path);
    }

    /// <summary>
    /// Refuses anything that exists but is not a regular file. A missing file is accepted here, because opening it
    /// reports the error.
    /// </summary>
    /// <exception cref="AtelierException">The path is a folder, a pipe, a device or a socket.</exception>
    public static void RequireRegular(string path)
    {
        if (OtherKind(path) is { } kind)
            throw new AtelierException($"is {kind}, and only regular files can be read", path,
                kind == "a folder" ? "name a file in it" : "save its output to a file, and use that");
    }

    private static string? OtherKind(string path)
    {
        if (Directory.Exists(path))
            return "a folder";
        if (OperatingSystem.IsWindows())
            return File.Exists(path) && File.GetAttributes(path).HasFlag(FileAttributes.Device) ? "a device" : null;
        // .NET's public API does not reveal the kind of a file, so this calls the native function that .NET itself
        // uses.
        Span<int> status = stackalloc int[64]; // larger than the native structure: flags, mode, owner …
        return Stat(path, ref MemoryMarshal.GetReference(status)) != 0 ? null : (status[1] & KindMask) switch
        {
            0x1000 => "a pipe",
            0x2000 or 0x6000 => "a device",
            0xC000 => "a socket",
            _ => null,
        };
    }

    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_Stat", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Stat(string path, ref int status);
}
