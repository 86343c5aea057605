using Microsoft.Win32.SafeHandles;

namespace Atelier.Cli;

/// <summary>
/// The process's standard output, which detects that its reader has gone: .NET's own would discard what is written.
/// </summary>
internal static class StandardOutput
{
    private const int Descriptor = 1;

    /// <summary>Opens it.</summary>
    public static Stream Open()
    {
        if (OperatingSystem.IsWindows())
            return Console.OpenStandardOutput();
        try
        {
            var stream = new FileStream(new SafeFileHandle(Descriptor, ownsHandle: false), FileAccess.Write,
                bufferSize: 0);
            // A file's place is shared with standard error, which a FileStream would not move.
            return stream.CanSeek ? Console.OpenStandardOutput() : stream;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Console.OpenStandardOutput(); // it is closed, or open for reading: .NET's own drops what is written
        }
    }
}
