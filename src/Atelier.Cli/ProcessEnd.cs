using System.Runtime.InteropServices;
using Atelier.Runs;

namespace Atelier.Cli;

/// <summary>Ends the process without waiting for what its threads are doing.</summary>
internal static partial class ProcessEnd
{
    private const string ShowCursor = "\u001b[?25h"; // a bar may have hidden it

    /// <summary>Ends the process now and deletes temporary folders. Files that were written are complete.</summary>
    /// <param name="code">The exit code.</param>
    public static void Now(int code)
    {
        try
        {
            if (!Console.IsErrorRedirected)
                Console.Error.Write(ShowCursor);
            WorkFolder.DeleteLeft();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The terminal or the folder is gone; the process ends anyway.
        }
        if (OperatingSystem.IsWindows())
            Environment.Exit(code);
        Exit(code); // at once: the shutdown of the tensor library would wait for its threads
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
