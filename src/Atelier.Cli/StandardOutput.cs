using Microsoft.Win32.SafeHandles;

namespace Atelier.Cli;

/// <summary>
/// Opens standard output so that a closed pipe is detected: the stream of .NET discards what is written to it.
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
            // The position in a file is shared with standard error, which a FileStream would not move.
            return stream.CanSeek ? Console.OpenStandardOutput() : stream;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // It is closed or not writable: the stream of .NET ignores what is written.
            return Console.OpenStandardOutput();
        }
    }
}
