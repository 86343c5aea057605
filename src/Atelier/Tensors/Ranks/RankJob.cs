using System.Globalization;

namespace Atelier.Tensors.Ranks;

/// <summary>
/// The job of several processes (ranks) to which this process belongs, under a launcher of MPI such as mpirun or
/// Slurm's srun. Pass it to a training, and all ranks train one model together.
/// </summary>
public sealed class RankJob : IDisposable
{
    private readonly MpiCommunicator? _mpi;

    internal RankJob(ICommunicator communicator, string library)
    {
        (Communicator, _mpi, Library) = (communicator, communicator as MpiCommunicator, library);
        string allowed = AllowedCores();
        string own = $"{Environment.MachineName} {allowed}";
        RanksPerCores = communicator.Gather(own).Count(other => other == own);
    }

    /// <summary>The number of this process, from 0. Only rank 0 writes files and reports progress.</summary>
    public int Rank => Communicator.Rank;

    /// <summary>The number of processes.</summary>
    public int Size => Communicator.Size;

    /// <summary>The name and version of the MPI library.</summary>
    public string Library { get; }

    /// <summary>How long this rank has waited for others in the present exchange; zero if there is none.</summary>
    public TimeSpan Waiting => _mpi?.Waiting ?? TimeSpan.Zero;

    /// <summary>The exchange between the ranks.</summary>
    internal ICommunicator Communicator { get; }

    /// <summary>The number of ranks, with this one, that may use the same cores of the same machine.</summary>
    internal int RanksPerCores { get; }

    /// <summary>
    /// Returns whether a launcher started this process as one of several. Loads no library.
    /// </summary>
    public static bool IsLaunched => RankLaunch.Read(Environment.GetEnvironmentVariable) is { Size: > 1 };

    /// <summary>
    /// Joins the job that the launcher of this process started; returns null if it is the only process. A process can
    /// join once.
    /// </summary>
    /// <exception cref="AtelierException">The launcher's MPI library is not installed or of another kind.</exception>
    public static RankJob? Join()
    {
        if (RankLaunch.Read(Environment.GetEnvironmentVariable) is not { Size: > 1 } launch)
            return null;
        var library = MpiLibrary.For(launch, Environment.GetEnvironmentVariable(MpiLibrary.Variable));
        return new RankJob(new MpiCommunicator(library, launch), library.Version);
    }

    /// <summary>Describes the MPI libraries of this machine, a line each; empty if there are none.</summary>
    public static IReadOnlyList<string> Libraries() =>
        [.. MpiLibrary.All().Select(library => $"{library.Version}, {library.Path}")];

    /// <summary>Returns the text that rank 0 passes. Every rank must call this.</summary>
    public string Broadcast(string text) => Communicator.Broadcast(text);

    /// <summary>
    /// The time to wait before this rank reports a mistake: of several ranks with the same mistake, the first reports
    /// it and ends the job before the others do.
    /// </summary>
    public TimeSpan Turn => Rank == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(1.5 + (1.5 * Rank / Size));

    /// <summary>Ends all processes of the job at once. Does not return.</summary>
    /// <param name="code">The exit code of the job.</param>
    public void Abort(int code) => Communicator.Abort(code);

    /// <summary>Leaves the job when all ranks have come this far; the process goes on.</summary>
    public void Dispose() => _mpi?.Dispose();

    /// <summary>Returns the cores on which this process may run, such as "0-3".</summary>
    private static string AllowedCores()
    {
        const string Key = "Cpus_allowed_list:";
        return OperatingSystem.IsLinux()
            ? File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal))
                ?[Key.Length..].Trim() ?? ""
            : string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount}");
    }
}
