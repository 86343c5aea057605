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
    private readonly List<Process> _burners = [];
    private int _number;

    /// <summary>Measures, and writes a JSON line a command and one for all.</summary>
    /// <param name="moments">Signals to each command.</param>
    /// <param name="load">Processes that do nothing but take a core each meanwhile.</param>
    /// <param name="only">Parts of the names of the commands; empty for all.</param>
    public static void Run(int moments, int load, string[] only)
    {
        using var timing = new SignalTiming();
        SignalWork.Prepare(timing._folder.Path, arguments => timing.Start(arguments, "home").WaitForExit());
        for (int i = 0; i < load; i++)
            timing._burners.Add(Process.Start(new ProcessStartInfo("sh", ["-c", "while :; do :; done"]))!);
        (double Seconds, string Command) longest = default;
        foreach ((string name, string[] arguments) in SignalWork.Commands.Where(c => only.Length == 0
            || only.Any(part => c.Name.Contains(part, StringComparison.Ordinal))))
        {
            double slowest = timing.Measure(name, arguments, moments, load);
            if (slowest > longest.Seconds)
                longest = (slowest, name);
        }
        Console.WriteLine(JsonSerializer.Serialize(new { moments, load, longest = Math.Round(longest.Seconds, 2),
            command = longest.Command }));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Process burner in _burners)
        {
            burner.Kill();
            burner.Dispose();
        }
        _folder.Dispose();
    }

    /// <summary>Sends signals to a command, and gives the longest time until it ended.</summary>
    private double Measure(string name, string[] arguments, int moments, int load)
    {
        double whole = Math.Min(LatestMoment, Undisturbed(arguments));
        var random = new SplitMix64((ulong)name.Sum(c => c));
        var seconds = new List<double>();
        var codes = new SortedDictionary<int, int>();
        int unanswered = 0;
        for (int moment = 0; moment < moments; moment++)
        {
            using Process process = Start(Fresh(arguments), $"home-{++_number}");
            Task<string> said = process.StandardError.ReadToEndAsync();
            bool ended = process.WaitForExit(TimeSpan.FromSeconds(random.NextDouble() * whole));
            var watch = Stopwatch.StartNew();
            if (!ended && Kill(process.Id, Terminate) == 0)
            {
                if (!process.WaitForExit(Patience))
                    process.Kill();
                seconds.Add(watch.Elapsed.TotalSeconds);
            }
            process.WaitForExit();
            codes[process.ExitCode] = codes.GetValueOrDefault(process.ExitCode) + 1;
            unanswered += process.ExitCode == 130
                && !said.GetAwaiter().GetResult().Contains("stopping", StringComparison.Ordinal) ? 1 : 0;
        }
        seconds.Sort();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            command = name, load, signals = seconds.Count, whole = Math.Round(whole, 2), unanswered,
            median = seconds.Count == 0 ? 0 : Math.Round(seconds[seconds.Count / 2], 2), longest = seconds.Count == 0
                ? 0 : Math.Round(seconds[^1], 2), codes,
        }));
        return seconds.Count == 0 ? 0 : seconds[^1];
    }

    /// <summary>The seconds of a command that is left alone, as far as they matter.</summary>
    private double Undisturbed(string[] arguments)
    {
        using Process process = Start(Fresh(arguments), $"home-{++_number}");
        Task<string> said = process.StandardError.ReadToEndAsync();
        var watch = Stopwatch.StartNew();
        if (!process.WaitForExit(TimeSpan.FromSeconds(LatestMoment)))
            process.Kill();
        process.WaitForExit();
        double seconds = watch.Elapsed.TotalSeconds;
        if (process.ExitCode is not (0 or 137))
            throw new AtelierException($"ended with code {process.ExitCode}: {said.GetAwaiter().GetResult().Trim()}",
                string.Join(' ', arguments));
        return seconds;
    }

    /// <summary>The same arguments with a place to write that is not there yet.</summary>
    private string[] Fresh(string[] arguments) =>
        [.. arguments.Select(a =>
        a.Replace("NEW", string.Create(CultureInfo.InvariantCulture, $"new-{_number}"), StringComparison.Ordinal))];

    private Process Start(string[] arguments, string home)
    {
        var start = new ProcessStartInfo("dotnet", [Tool(), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
                WorkingDirectory = _folder.Path,
        };
        start.Environment["ATELIER_HOME"] = Path.Combine(_folder.Path, home); // plans are measured anew each time
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
}
