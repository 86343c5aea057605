using System.Runtime.InteropServices;

namespace Atelier.Cli;

/// <summary>
/// Loads the tensor library before the tool answers signals. While the system loads a library of this size, no thread
/// can begin, not even the one that .NET answers a signal on: on a busy machine that takes seconds. Until it is loaded
/// nothing has begun that would have to be kept, and signals have their usual effect, which ends the process at once.
/// </summary>
internal static partial class TensorLibrary
{
    private const int Terminate = 15; // SIGTERM, which .NET itself would answer on a new thread

    private static readonly string[] Users =
    [
        "quickstart", "train", "find-learning-rate", "evaluate", "generate", "explain", "compress", "import", "cards",
        "doctor",
    ];

    /// <summary>Loads it where the command will need it.</summary>
    /// <param name="args">The command line.</param>
    public static void LoadWhereNeeded(string[] args)
    {
        if (args.Length < 2 && args is not ["quickstart" or "doctor"])
            return; // the other commands alone say what they lack
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
            // There is no tensor library, or it does not load: the command meets that again and says it.
        }
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int number, nint handler); // 0 is SIG_DFL
}
