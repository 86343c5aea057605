using System.Diagnostics;
using System.Reflection;

namespace Atelier.TestSupport;

/// <summary>
/// Runs test classes once more in a process that does not use some of the processor's instructions, as on another
/// processor.
/// </summary>
internal static class ProcessorWithout
{
    private const string Marker = "ATELIER_TEST_WITHOUT";

    /// <summary>Whether this process is such a process.</summary>
    public static bool IsThis => Environment.GetEnvironmentVariable(Marker) is not null;

    /// <summary>Runs the classes; fails with their output where one of them does.</summary>
    /// <param name="setting">The environment variable that switches the instructions off by 0, such as
    /// DOTNET_EnableAVX512.</param>
    /// <param name="tests">The assembly of the tests.</param>
    /// <param name="environment">Further variables.</param>
    /// <param name="classes">Patterns of the names of classes.</param>
    public static async Task RunAsync(string setting, Assembly tests,
        IReadOnlyDictionary<string, string> environment, params IReadOnlyList<string> classes)
    {
        if (!System.Runtime.Intrinsics.X86.Sse2.IsSupported)
            Assert.Skip("this processor has no x64 instruction sets to switch off");
        if (IsThis)
            Assert.Skip("this is such a process itself");
        string errors = "";
        var start = new ProcessStartInfo("dotnet",
            [tests.Location, "--progress", "off", "--no-ansi", "--filter-class", .. classes])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
            Environment = { [setting] = "0", [Marker] = setting },
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) => errors += line.Data + "\n";
        process.BeginErrorReadLine();
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0, output + errors);
    }
}
