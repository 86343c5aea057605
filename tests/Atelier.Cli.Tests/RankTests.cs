using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Atelier.Formats;

namespace Atelier.Cli.Tests;

/// <summary>Training on several processes, which the mpirun of this machine starts.</summary>
[Collection(nameof(ToolCollection))]
public sealed class RankTests : IDisposable
{
    private const float Rounding = 1e-4f; // sums over ranks round in another order
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task A_rank_that_is_killed_ends_the_job_and_one_process_resumes_to_the_weights_of_an_unbroken_run()
    {
        Assert.SkipUnless(RankLauncher.Find() is not null && OperatingSystem.IsLinux(),
            "mpirun is not installed (on Debian: apt-get install openmpi-bin)");
        string[] train =
        [
            "train", "--text", _tool.Rhymes(), "--set", "model.layerCount=1", "--set", "model.headCount=2", "--set",
                "model.hiddenSize=16", "--set", "model.contextLength=16", "--set", "model.dropout=0",
            "--set", "training.batchSize=4", "--set", "training.minutes=null", "--set", "training.epochs=null",
            "--set", "training.steps=300", "--set", "training.checkpointEvery=20", "--set", "training.sampleEvery=0",
            "--set", "training.threads=1", "--set", "training.precision=fp32", "--set", "evaluation.samples=0",
            "--set", "evaluation.bootstrapSamples=10", "--seed", "3",
        ];
        _tool.Run([.. train, "--out", _tool.At("whole")]).Code.ShouldBe(0);
        Started together = await RunAsync([.. train, "--ranks", "2", "--out", _tool.At("together")]);
        together.Code.ShouldBe(0, together.Error);
        Difference("whole", "together").ShouldBeLessThan(Rounding);
        _tool.Run([.. train, "--set", "training.steps=30", "--out", _tool.At("short")]).Code.ShouldBe(0);
        Difference("whole", "short").ShouldBeGreaterThan(100 * Rounding, "the comparison tells runs apart");

        Started killed = await RunAsync([.. train, "--ranks", "2", "--out", _tool.At("killed")], kill: true);
        killed.Code.ShouldBe(2, killed.Error);
        killed.Error.Trim().Split('\n').ShouldHaveSingleItem().ShouldContain("rank 1 was ended by signal 9");
        killed.SecondsAfterKill.ShouldBeLessThan(60); // a busy machine; seconds on an idle one
        Directory.Exists(_tool.At("killed/bundle")).ShouldBeFalse("it was to be killed before it ended");
        ToolResult resumed = _tool.Run("train", "--resume", "--out", _tool.At("killed"));
        resumed.Code.ShouldBe(0, resumed.Error);
        Difference("whole", "killed").ShouldBeLessThan(Rounding);
    }

    [Fact]
    public async Task A_mistake_of_all_ranks_is_one_line()
    {
        Assert.SkipUnless(RankLauncher.Find() is not null, "mpirun is not installed");
        Started many = await RunAsync(["train", "--text", _tool.Rhymes(), "--set", "training.batchSize=2", "--set",
            "training.steps=2", "--set", "model.hiddenSize=16", "--set", "model.headCount=2", "--ranks", "3", "--out",
            _tool.At("many")]);
        many.Code.ShouldBe(2, many.Error);
        many.Error.Trim().ShouldBe("training.batchSize: a batch of 2 rows cannot be divided among 3 ranks; use larger "
            + "batches or fewer --ranks");
        Directory.Exists(_tool.At("many")).ShouldBeFalse();
    }

    [Fact]
    public void Without_mpirun_and_with_a_wrong_number_there_is_one_line()
    {
        string? path = Environment.GetEnvironmentVariable("PATH");
        try
        {
            Environment.SetEnvironmentVariable("PATH", _tool.Folder);
            _tool.Run("train", "quickstart", "--ranks", "2").Error
                .ShouldStartWith("--ranks: mpirun is not installed; install an MPI");
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
        }
        _tool.Run("train", "quickstart", "--ranks", "0").Error.ShouldContain("--ranks is 0");
    }

    [Fact]
    public void What_mpirun_writes_is_told_from_what_ranks_write_and_names_the_rank_that_died()
    {
        var open = new RankOutput();
        string dashes = new('-', 74);
        (string Line, bool IsLauncher)[] lines =
        [
            ("step 10/20  loss 1.2", false), (dashes, true), ("Primary job  terminated normally, but …", true),
            (dashes, true), (RankOutput.Greeting(3), true), ("checkpoint of step 20 saved", false), (dashes, true),
            ("mpirun noticed that process rank 1 with PID 0 on node vm exited on signal 9 (Killed).", true),
            (dashes, true), ("training.steps: 0 is too small", false), ("[vm:123] 1 more process has sent …", true),
        ];
        foreach ((string line, bool isLauncher) in lines)
            open.IsOfLauncher(line).ShouldBe(isLauncher, line);
        open.Death().ShouldBe("rank 1 was ended by signal 9");

        var mpich = new RankOutput();
        mpich.IsOfLauncher(RankOutput.Greeting(2));
        foreach (string line in (string[])[new('=', 83), "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES",
            string.Create(CultureInfo.InvariantCulture, $"=   PID {Environment.ProcessId} RUNNING AT vm"),
            "=   EXIT CODE: 9", "YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)"])
            mpich.IsOfMpich(line).ShouldBeTrue(line);
        mpich.IsOfMpich("---").ShouldBeFalse();
        mpich.Death().ShouldBe("rank 2 was ended by signal 9");
        new RankOutput().Death().ShouldBeNull();
    }

    private async Task<Started> RunAsync(string[] arguments, bool kill = false)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Tool).Assembly.Location, .. arguments, "--quiet"])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        var watch = new Stopwatch();
        if (kill)
        {
            while (!Directory.Exists(_tool.At("killed/checkpoints/step-40")) && !process.HasExited)
                await Task.Delay(5);
            Kill(Rank(1), 9).ShouldBe(0);
            watch.Start();
        }
        await process.WaitForExitAsync();
        await output;
        return new Started(process.ExitCode, await error, watch.Elapsed.TotalSeconds);
    }

    /// <summary>Finds the process of a rank of the job that trains in this test's folder.</summary>
    private int Rank(int rank)
    {
        string[] names = ["OMPI_COMM_WORLD_RANK", "PMI_RANK"];
        return Process.GetProcessesByName("dotnet").Select(process => process.Id).Single(id =>
        {
            try
            {
                string[] environment = File.ReadAllText($"/proc/{id}/environ").Split('\0');
                return File.ReadAllText($"/proc/{id}/cmdline").Contains(_tool.Folder, StringComparison.Ordinal)
                    && names.Any(name => environment.Contains(FormattableString.Invariant($"{name}={rank}")));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false; // it has ended, or is another user's
            }
        });
    }

    private float Difference(string one, string other)
    {
        (Dictionary<string, float[]> a, Dictionary<string, float[]> b) = (Weights(one), Weights(other));
        return a.Max(tensor => tensor.Value.Zip(b[tensor.Key]).Max(pair => Math.Abs(pair.First - pair.Second)));
    }

    private Dictionary<string, float[]> Weights(string run)
    {
        using SafetensorsFile file = SafetensorsFile.Open(_tool.At($"{run}/bundle/model.safetensors"));
        return file.Entries.ToDictionary(entry => entry.Name, entry =>
        {
            var values = new float[entry.Shape.Aggregate(1L, (product, length) => product * length)];
            file.CopyTo(entry.Name, 0, MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        });
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);

    private sealed record Started(int Code, string Error, double SecondsAfterKill);
}
