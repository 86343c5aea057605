using System.Runtime.InteropServices;

namespace Atelier.Cli;

/// <summary>
/// Loads the tensor library before the tool answers signals. While the system loads a library of this size, no thread
/// can start, not even the one on which .NET handles signals: on a busy machine that takes seconds. Until it is loaded
/// there is nothing to save, and signals have their default effect, which ends the process at once.
/// </summary>
internal static partial class TensorLibrary
{
    private const int Terminate = 15; // SIGTERM, which .NET itself would handle on a new thread

    private static readonly string[] Users =
    [
        "quickstart", "train", "find-learning-rate", "evaluate", "generate", "explain", "compress", "import", "cards",
        "doctor",
    ];

    /// <summary>Loads it if the command needs it.</summary>
    /// <param name="args">The command line.</param>
    public static void LoadWhereNeeded(string[] args)
    {
        if (args.Length < 2 && args is not ["quickstart" or "doctor"])
            return; // these commands do not need it
        if (!Users.Contains(args[0]) || args.Any(a => a is "--help" or "-h" or "-?"))
            return;
        if (!OperatingSystem.IsWindows())
            Signal(Terminate, handler: 0);
        try
        {
            _ = TorchSharp.torch.get_num_threads();
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or NotSupportedException
            or BadImageFormatException or EntryPointNotFoundException)
        {
            // The library is missing or does not load: the command reports that itself.
        }
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int number, nint handler); // 0 is SIG_DFL
}
