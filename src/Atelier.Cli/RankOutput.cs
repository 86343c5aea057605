using System.Globalization;
using System.Text.RegularExpressions;

namespace Atelier.Cli;

/// <summary>
/// Tells apart what ranks and what mpirun write to the standard error stream that they share, and finds in the latter
/// which rank has died. Open MPI and MPICH report that in blocks of several lines.
/// </summary>
internal sealed partial class RankOutput
{
    /// <summary>The environment variable by which a rank knows that a launcher reads its greeting.</summary>
    public const string Variable = "ATELIER_RANK_GREETING";

    private readonly List<string> _words = []; // what mpirun wrote
    private bool _isInBlock;

    /// <summary>The numbers of the ranks that have started, by their process ids.</summary>
    public Dictionary<int, int> Ranks { get; } = [];

    /// <summary>The first thing that mpirun wrote, in one line.</summary>
    public string Reason => string.Join(' ', _words.TakeWhile(word => word.Length > 0)) is { Length: > 0 } text ? text
        : "it gave no reason";

    /// <summary>Returns the line with which a rank announces itself to the launcher.</summary>
    public static string Greeting(int rank) =>
        string.Create(CultureInfo.InvariantCulture, $"\u0001rank {rank} process {Environment.ProcessId}");

    /// <summary>
    /// Returns whether a line of standard error is mpirun's, a greeting or a rank's answer to mpirun's signal, and
    /// remembers it then.
    /// </summary>
    public bool IsOfLauncher(string line)
    {
        if (GreetingLine().Match(line) is { Success: true } greeting)
        {
            lock (Ranks)
                Ranks[Number(greeting.Groups["process"])] = Number(greeting.Groups["rank"]);
            return true;
        }
        if (line == Interruption.Answer)
            return true;
        bool isBorder = Border().IsMatch(line);
        bool isOwn = _isInBlock || isBorder || line.Length == 0 || OfLauncher().IsMatch(line);
        if (isBorder && line[0] == '-') // Open MPI begins and ends a block in the same way
            _isInBlock = !_isInBlock;
        if (isOwn && !isBorder)
        {
            lock (_words)
                _words.Add(line.Trim());
        }
        return isOwn;
    }

    /// <summary>Returns whether a line of standard output is MPICH's report of a rank that died.</summary>
    public bool IsOfMpich(string line)
    {
        bool isOwn = OfMpich().IsMatch(line);
        if (isOwn)
        {
            lock (_words)
                _words.Add(line.Trim());
        }
        return isOwn;
    }

    /// <summary>Returns in one line which rank a signal has ended; null for none.</summary>
    public string? Death()
    {
        string all = string.Join('\n', _words);
        Match open = OpenMpiDeath().Match(all), mpich = MpichDeath().Match(all);
        (string Rank, string Signal)? died = open.Success ? (open.Groups["rank"].Value, open.Groups["signal"].Value)
            : mpich.Success && MpichSignal().Match(all) is { Success: true } signal
                ? (Ranks.TryGetValue(Number(mpich.Groups["process"]), out int rank)
                    ? rank.ToString(CultureInfo.InvariantCulture) : "of process " + mpich.Groups["process"].Value,
                    signal.Groups["signal"].Value)
            : null;
        return died is { } at ? $"rank {at.Rank} was ended by signal {at.Signal}" : null;
    }

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\u0001rank (?<rank>\d+) process (?<process>\d+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex GreetingLine();

    [GeneratedRegex("^(-{20,}|={20,})$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Border();

    [GeneratedRegex(@"^(={40,}$|=  |YOUR APPLICATION TERMINATED|This typically refers|Please see the FAQ)",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OfMpich();

    [GeneratedRegex(@"^(Abort\(|application called MPI_Abort|\[mpiexec@|\[proxy:|\[[^\]]+:\d+\]|mpirun[^ ]*: |"
        + @"Press Ctrl-C|Sending Ctrl-C)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OfLauncher();

    [GeneratedRegex(@"process rank (?<rank>\d+) .*exited on signal (?<signal>\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OpenMpiDeath();

    [GeneratedRegex(@"PID (?<process>\d+) RUNNING AT", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MpichDeath();

    [GeneratedRegex(@"\(signal (?<signal>\d+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MpichSignal();
}
