using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Atelier.Runs;
using TorchSharp;

namespace Atelier.Cli.Commands;

/// <summary>Says what this machine has and lacks.</summary>
internal sealed class DoctorCommand(ToolConsole console)
    : ToolCommand(console, "doctor", "What this machine has and lacks.", "atelier doctor")
{
    private const long Gigabyte = 1 << 30;

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        Finding[] findings = [Runtime(), Memory(), TensorLibrary(), Graphics(), Space("the current folder", Environment.CurrentDirectory), Home(), DataFolder()];
        foreach (Finding finding in findings)
            console.Say($"{(finding.IsGood ? "ok  " : "LACK")}  {finding.Name}: {finding.Text}");
        console.Result(() => new JsonObject
        {
            ["findings"] = new JsonArray([.. findings.Select(f => new JsonObject { ["name"] = f.Name, ["ok"] = f.IsGood, ["text"] = f.Text })]),
        });
        return Task.FromResult(0);
    }

    private static Finding Runtime() => new("system", true, string.Create(CultureInfo.InvariantCulture,
        $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} cores, .NET {Environment.Version}"));

    private static Finding Memory()
    {
        double gigabytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)Gigabyte;
        return new Finding("memory", gigabytes >= 2, string.Create(CultureInfo.InvariantCulture,
            $"{gigabytes:0.0} GB{(gigabytes < 2 ? "; training wants at least 2 GB" : "")}"));
    }

    private static Finding TensorLibrary()
    {
        try
        {
            using torch.Tensor sum = torch.ones(2, 2).sum();
            bool right = sum.item<float>() == 4;
            return new Finding("tensor library", right, right ? $"libtorch {torch.__version__} loads and computes" : "libtorch computes wrong sums");
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or NotSupportedException)
        {
            return new Finding("tensor library", false, $"libtorch does not load: {(e.InnerException ?? e).Message.ReplaceLineEndings(" ")}; docs/install.md tells which systems it runs on");
        }
    }

    private static Finding Graphics() => torch.cuda.is_available()
        ? new Finding("graphics processor", true, string.Create(CultureInfo.InvariantCulture, $"{torch.cuda.device_count()} for CUDA"))
        : new Finding("graphics processor", true, "none for CUDA; training runs on the processor (docs/install.md tells how to build for one)");

    private static Finding Home()
    {
        string file = Path.Combine(AtelierHome.Folder, ".doctor");
        try
        {
            Formats.AtomicFile.WriteText(file, "");
            File.Delete(file);
            return Space("home", AtelierHome.Folder);
        }
        catch (AtelierException e)
        {
            return new Finding("home", false, $"{e.ToLine()} (ATELIER_HOME names it)");
        }
    }

    private static Finding Space(string name, string folder)
    {
        double gigabytes = new DriveInfo(folder).AvailableFreeSpace / (double)Gigabyte;
        return new Finding(name, gigabytes >= 1, string.Create(CultureInfo.InvariantCulture,
            $"{folder}, {gigabytes:0.0} GB free{(gigabytes < 1 ? "; checkpoints want at least 1 GB" : "")}"));
    }

    private static Finding DataFolder() => Environment.GetEnvironmentVariable("ATELIER_DATA") switch
    {
        null or "" => new Finding("local data", true, "ATELIER_DATA is not set; public data sets are downloaded"),
        string folder when Directory.Exists(folder) => new Finding("local data", true, folder),
        string folder => new Finding("local data", false, $"ATELIER_DATA names {folder}, which does not exist"),
    };

    private sealed record Finding(string Name, bool IsGood, string Text);
}
