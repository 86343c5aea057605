using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Atelier.Cli;

/// <summary>Starts a command of this tool as several processes with the machine's mpirun.</summary>
/// <param name="console">Where the processes write.</param>
internal sealed partial class RankLauncher(ToolConsole console)
{
    /// <summary>The environment variable that names the mpirun to use.</summary>
    public const string Variable = "ATELIER_MPIRUN";

    private const int SigInt = 2;
    private readonly RankOutput _output = new();

    /// <summary>Returns the path of mpirun; null if it is not installed.</summary>
    public static string? Find() => Environment.GetEnvironmentVariable(Variable)
        ?? (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Where(folder => folder.Length > 0)
        .SelectMany(folder => new[] { Path.Combine(folder, "mpirun"), Path.Combine(folder, "mpiexec") })
        .FirstOrDefault(File.Exists);

    /// <summary>Returns the words of a command line without an option and its value.</summary>
    public static string[] Without(string option, ParseResult parse)
    {
        var words = parse.Tokens.Select(token => token.Value).ToList();
        if (words.IndexOf(option) is var at and >= 0)
            words.RemoveRange(at, 2);
        return [.. words];
    }

    /// <summary>Runs a command line as several ranks, and returns its exit code.</summary>
    /// <param name="ranks">The number of ranks.</param>
    /// <param name="words">The command line, without the tool itself.</param>
    /// <param name="cancellation">Asks the ranks to save a checkpoint and end.</param>
    /// <exception cref="AtelierException">There is no mpirun, or a rank was killed.</exception>
    public async Task<int> RunAsync(int ranks, string[] words, CancellationToken cancellation)
    {
        string mpirun = Find() ?? throw new AtelierException("mpirun is not installed", "--ranks",
            "install an MPI (on Debian: apt-get install openmpi-bin), or leave --ranks out");
        var start = new ProcessStartInfo(mpirun)
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8, Environment =
            {
                // Without these, Open MPI refuses to start for root, which is the usual user in containers.
                ["OMPI_ALLOW_RUN_AS_ROOT"] = "1", ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1",
                // Ranks may be more than cores; waiting ranks then leave theirs to others.
                ["OMPI_MCA_rmaps_base_oversubscribe"] = "1",
                ["OMPI_MCA_hwloc_base_binding_policy"] = "none",
                ["OMPI_MCA_mpi_yield_when_idle"] = ranks > Environment.ProcessorCount ? "1" : "0",
                [RankOutput.Variable] = "1", ["TERM"] = "dumb", // Open MPI gives each rank a pseudo-terminal
                ["UCX_HANDLE_ERRORS"] = "none", // no stack of native code when a neighbour has died
                // Seconds for a checkpoint after an interruption. Open MPI waits so long whenever it ends a job.
                ["OMPI_MCA_odls_base_sigkill_timeout"] = "2",
            },
        };
        string[] tool = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) != "dotnet"
            ? [path] : ["dotnet", Environment.GetCommandLineArgs()[0]];
        foreach (string word in (string[])["-n", ranks.ToString(CultureInfo.InvariantCulture), .. tool, .. words])
            start.ArgumentList.Add(word);
        using Process process = Process.Start(start)!;
        using IDisposable? keeping = console.Interruption?.Keep(); // the ranks have something to save
        using CancellationTokenRegistration stop = cancellation.Register(() => Interrupt(process.Id));
        Task results = PassOn(process.StandardOutput, console.Out, _output.IsOfMpich);
        await PassOn(process.StandardError, console.Error, _output.IsOfLauncher).ConfigureAwait(false);
        await results.ConfigureAwait(false);
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        if (cancellation.IsCancellationRequested)
            return Interruption.ExitCode;
        if (_output.Death() is { } death)
        {
            throw new AtelierException($"{death}; the other ranks were ended", "--ranks",
                "a rank is killed when memory runs out, for example; continue with --resume");
        }
        return process.ExitCode == 0 || _output.Ranks.Count > 0 ? process.ExitCode
            : throw new AtelierException($"mpirun started no rank: {_output.Reason}", mpirun,
                "atelier doctor shows the MPI libraries of this machine");
    }

    /// <summary>Writes the lines of a stream that are not the launcher's.</summary>
    private static async Task PassOn(TextReader from, TextWriter to, Func<string, bool> isOfLauncher)
    {
        while (await from.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } line)
        {
            if (!isOfLauncher(line))
                to.WriteLine(line);
        }
    }

    // On a terminal, Ctrl-C has already reached mpirun, and a second one would end it at once.
    private void Interrupt(int process)
    {
        if (!console.IsTerminal)
            _ = Kill(process, SigInt);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
