using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Atelier.Runs;

namespace Atelier.Benchmarks;

/// <summary>How long every command goes on after SIGTERM, which comes at a random moment.</summary>
internal sealed partial class SignalTiming : IDisposable
{
    private const int Terminate = 15;
    private const double LatestMoment = 10; // seconds into a command that takes longer
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly WorkFolder _folder = new();
    private int _number;

    /// <summary>Measures, and writes a JSON line for each command and one for all.</summary>
    /// <param name="moments">Signals to each command.</param>
    /// <param name="load">
    /// Number of measured commands that run at any time, of all kinds in random order: they are each other's load.
    /// </param>
    /// <param name="only">Parts of the names of the commands; empty for all.</param>
    public static void Run(int moments, int load, string[] only)
    {
        using var timing = new SignalTiming();
        SignalWork.Prepare(timing._folder.Path, arguments => timing.Start(arguments, "home").WaitForExit());
        (string Name, string[] Arguments)[] commands = [.. SignalWork.Commands.Where(c => only.Length == 0
            || only.Any(part => c.Name.Contains(part, StringComparison.Ordinal)))];
        double[] whole = new double[commands.Length];
        AtOnce(load, whole.Length, i => whole[i] = timing.Undisturbed(commands[i].Arguments));

        int[] order = [.. Enumerable.Range(0, commands.Length * moments)];
        var random = new SplitMix64(1);
        for (int i = order.Length - 1; i > 0; i--) // Fisher and Yates 1938
        {
            int other = (int)random.Next(i + 1);
            (order[i], order[other]) = (order[other], order[i]);
        }
        double[] times = [.. order.Select(_ => random.NextDouble())];
        var ends = new End[order.Length];
        AtOnce(load, order.Length, i =>
        {
            int command = order[i] / moments;
            ends[order[i]] = timing.Measure(commands[command].Arguments, times[i] * whole[command]);
        });
        for (int i = 0; i < commands.Length; i++)
            Write(commands[i].Name, whole[i], load, ends[(i * moments)..((i + 1) * moments)]);
        int slowest = Array.IndexOf(ends, ends.MaxBy(end => end.Seconds ?? 0));
        Console.WriteLine(JsonSerializer.Serialize(new { moments, load,
            longest = Math.Round(ends[slowest].Seconds ?? 0, 2), command = commands[slowest / moments].Name }));
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    /// <summary>Calls a function for each number, each of several threads for the next one.</summary>
    private static void AtOnce(int threads, int count, Action<int> work)
    {
        int next = -1;
        Task.WaitAll([.. Enumerable.Range(0, Math.Max(1, threads)).Select(_ => Task.Factory.StartNew(() =>
        {
            while (Interlocked.Increment(ref next) is var i && i < count)
                work(i);
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))]);
    }

    private static void Write(string name, double whole, int load, End[] ends)
    {
        double[] seconds = [.. ends.Select(end => end.Seconds).OfType<double>().Order()];
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = name, load, signals = seconds.Length, whole = Math.Round(whole, 2),
            unanswered = ends.Count(end => end.IsUnanswered),
            median = seconds.Length == 0 ? 0 : Math.Round(seconds[seconds.Length / 2], 2),
            longest = seconds.Length == 0 ? 0 : Math.Round(seconds[^1], 2),
            codes = ends.CountBy(end => end.Code).OrderBy(code => code.Key).ToDictionary(),
        }));
    }

    /// <summary>Sends a signal to a command and waits for its end.</summary>
    /// <param name="arguments">The command.</param>
    /// <param name="moment">Seconds from its beginning to the signal.</param>
    private End Measure(string[] arguments, double moment)
    {
        using Process process = Start(arguments, null);
        Task<string> said = process.StandardError.ReadToEndAsync();
        bool ended = process.WaitForExit(TimeSpan.FromSeconds(moment));
        var watch = Stopwatch.StartNew();
        double? seconds = null;
        if (!ended && Kill(process.Id, Terminate) == 0)
        {
            if (!process.WaitForExit(Patience))
                process.Kill();
            seconds = watch.Elapsed.TotalSeconds;
        }
        process.WaitForExit();
        return new End(seconds, process.ExitCode, process.ExitCode == 130
            && !said.GetAwaiter().GetResult().Contains("stopping", StringComparison.Ordinal));
    }

    /// <summary>The seconds of a command that gets no signal, as far as they matter.</summary>
    private double Undisturbed(string[] arguments)
    {
        using Process process = Start(arguments, null);
        Task<string> said = process.StandardError.ReadToEndAsync();
        var watch = Stopwatch.StartNew();
        if (!process.WaitForExit(TimeSpan.FromSeconds(LatestMoment)))
            process.Kill();
        process.WaitForExit();
        double seconds = Math.Min(LatestMoment, watch.Elapsed.TotalSeconds);
        if (process.ExitCode is not (0 or 137))
            throw new AtelierException($"ended with code {process.ExitCode}: {said.GetAwaiter().GetResult().Trim()}",
                string.Join(' ', arguments));
        return seconds;
    }

    /// <summary>Starts the tool.</summary>
    /// <param name="arguments">Its arguments, in which NEW becomes a path that does not exist yet.</param>
    /// <param name="home">The name of its home folder; null takes a new one, where plans are measured anew.</param>
    private Process Start(string[] arguments, string? home)
    {
        string number = Interlocked.Increment(ref _number).ToString(CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo("dotnet",
            [Tool(), .. arguments.Select(a => a.Replace("NEW", $"new-{number}", StringComparison.Ordinal))])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            WorkingDirectory = _folder.Path,
        };
        start.Environment["ATELIER_HOME"] = Path.Combine(_folder.Path, home ?? $"home-{number}");
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    /// <summary>The tool of this clone; <c>./atelier</c> builds it.</summary>
    private static string Tool()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Atelier.slnx")))
            root = root.Parent;
        string tool =
            Path.Combine(root?.FullName ?? "", "src", "Atelier.Cli", "bin", "Release", "net10.0", "Atelier.Cli.dll");
        return File.Exists(tool) ? tool
            : throw new AtelierException("the tool is not built", tool, "run ./atelier --help once");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);

    /// <summary>How a command ended.</summary>
    /// <param name="Seconds">From the signal to its end; null where it ended before the signal.</param>
    /// <param name="Code">Its exit code.</param>
    /// <param name="IsUnanswered">Whether it was interrupted without saying that it stops.</param>
    private readonly record struct End(double? Seconds, int Code, bool IsUnanswered);
}
