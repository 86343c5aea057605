using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Tensors;
using Atelier.Tensors.Ranks;
using TorchSharp;

namespace Atelier.Cli.Commands;

/// <summary>Checks this machine.</summary>
internal sealed class DoctorCommand(ToolConsole console)
    : ToolCommand(console, "doctor",
        "Checks this machine: hardware, libraries, free space, and the correctness of tensor operations.",
        "atelier doctor")
{
    private const long Gigabyte = 1 << 30;

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        Finding library = TensorLibrary();
        IReadOnlyList<OperatorVerdict> verdicts = library.IsGood ? CheckedOperators.Verdicts : [];
        Finding[] findings =
        [
            Runtime(), Processor(), Memory(), library, .. Operators(verdicts), Graphics(), Ranks(),
            Space("the current folder", Environment.CurrentDirectory), Home(), DataFolder(),
        ];
        foreach (Finding finding in findings)
            console.Say($"{(finding.IsGood ? "ok  " : "LACK")}  {finding.Name}: {finding.Text}");
        console.Result(() => new JsonObject
        {
            ["findings"] =
                new JsonArray([.. findings.Select(f => new JsonObject { ["name"] = f.Name, ["ok"] = f.IsGood,
                ["text"] = f.Text })]),
            ["operators"] = new JsonArray([.. verdicts.Select(ToJson)]),
            ["instructions"] = new JsonObject
            {
                ["avx512"] = Instructions.HasAvx512,
                ["avx512Bf16"] = Instructions.HasAvx512Bf16,
                ["avxVnni"] = Instructions.HasAvxVnni,
            },
        });
        return Task.FromResult(0);
    }

    private static Finding Runtime() => new("system", true, string.Create(CultureInfo.InvariantCulture,
        $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.ProcessArchitecture}, "
            + $"{Environment.ProcessorCount} cores, .NET {Environment.Version}"));

    private static Finding Processor()
    {
        (string Name, bool IsThere)[] all =
        [
            ("AVX-512", Instructions.HasAvx512), ("AVX512-BF16", Instructions.HasAvx512Bf16),
                ("AVX-VNNI", Instructions.HasAvxVnni),
        ];
        string Those(bool there) =>
            string.Join(", ", all.Where(i => i.IsThere == there).Select(i => i.Name).DefaultIfEmpty("none"));
        return new Finding("instructions", true, $"{Those(true)}; not available: {Those(false)}");
    }

    /// <summary>
    /// Returns one line for all operators, and one for each that the tensor library does not compute correctly.
    /// </summary>
    private static IEnumerable<Finding> Operators(IReadOnlyList<OperatorVerdict> verdicts)
    {
        if (verdicts.Count == 0)
            yield break;
        string caches = CheckedOperators.Caches switch
        {
            CacheSizes.Guessed => "; the processor hides its cache sizes, so oneDNN uses estimates",
            CacheSizes.Wrong => "; the processor hides its cache sizes, and oneDNN uses wrong ones",
            _ => "",
        };
        int right = verdicts.Count(v => v.IsRight);
        yield return new Finding("operators", verdicts.All(v => v.Path != OperatorPath.None),
            $"{right} of {verdicts.Count} agree with a reference implementation{caches}");
        foreach (OperatorVerdict verdict in verdicts.Where(v => v.Path != OperatorPath.Library))
        {
            string answer = verdict.IsRight ? "right" : "wrong";
            yield return new Finding($"{verdict.Operator}, {verdict.Precision}", verdict.Path != OperatorPath.None,
                $"the results of the tensor library are {answer}; {TextOf(verdict.Path)}");
        }
    }

    private static string TextOf(OperatorPath path) => path switch
    {
        OperatorPath.PaddedChannels => "computed with channels padded to multiples of 16",
        OperatorPath.Unfolded => "computed as a matrix product of unfolded windows",
        OperatorPath.AsInTraining => "computed as in training",
        OperatorPath.WithoutOneDnn => "computed without oneDNN, which is slower",
        OperatorPath.None => "no other implementation is correct: training that needs it is refused",
        _ => "computed by the tensor library",
    };

    private static JsonObject ToJson(OperatorVerdict verdict) => new()
    {
        ["name"] = verdict.Operator,
        ["precision"] = verdict.Precision,
        ["right"] = verdict.IsRight,
        ["path"] = JsonNamingPolicy.CamelCase.ConvertName(verdict.Path.ToString()),
    };

    private static Finding Memory()
    {
        double gigabytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)Gigabyte;
        return new Finding("memory", gigabytes >= 2, string.Create(CultureInfo.InvariantCulture,
            $"{gigabytes:0.0} GB{(gigabytes < 2 ? "; training needs at least 2 GB" : "")}"));
    }

    private static Finding TensorLibrary()
    {
        try
        {
            using torch.Tensor sum = torch.ones(2, 2).sum();
            bool right = sum.item<float>() == 4;
            return new Finding("tensor library", right, right ? $"libtorch {torch.__version__} loads and computes"
                : "libtorch computes wrong sums");
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or NotSupportedException)
        {
            return new Finding("tensor library", false,
                $"libtorch does not load: {(e.InnerException ?? e).Message.ReplaceLineEndings(" ")}; docs/install.md "
                    + $"lists the supported systems");
        }
    }

    private static Finding Graphics() => torch.cuda.is_available()
        ? new Finding("graphics processor", true,
            string.Create(CultureInfo.InvariantCulture, $"{torch.cuda.device_count()} with CUDA"))
        : new Finding("graphics processor", true,
            "none with CUDA; training runs on the CPU (docs/install.md describes how to build for CUDA)");

    private static Finding Ranks()
    {
        IReadOnlyList<string> libraries = RankJob.Libraries();
        string launcher = RankLauncher.Find() is { } mpirun ? $"started by {mpirun}" : "without mpirun";
        return new Finding("several processes", true, libraries.Count > 0
            ? $"{string.Join("; ", libraries)}; {launcher}"
            : "no MPI library; training runs in one process (docs/scale.md describes how to install one)");
    }

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
            return new Finding("home", false, $"{OptionNames.Write(e).ToLine()} (set ATELIER_HOME to change it)");
        }
    }

    private static Finding Space(string name, string folder)
    {
        double gigabytes = new DriveInfo(folder).AvailableFreeSpace / (double)Gigabyte;
        return new Finding(name, gigabytes >= 1, string.Create(CultureInfo.InvariantCulture,
            $"{folder}, {gigabytes:0.0} GB free{(gigabytes < 1 ? "; checkpoints need at least 1 GB" : "")}"));
    }

    private static Finding DataFolder() => Environment.GetEnvironmentVariable("ATELIER_DATA") switch
    {
        null or "" => new Finding("local data", true, "ATELIER_DATA is not set; public data sets are downloaded"),
        string folder when Directory.Exists(folder) => new Finding("local data", true, folder),
        string folder => new Finding("local data", false, $"ATELIER_DATA names {folder}, which does not exist"),
    };

    private sealed record Finding(string Name, bool IsGood, string Text);
}
