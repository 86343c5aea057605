using System.Diagnostics;
using Atelier.Kernels;

namespace Atelier.Runtime.Tests.Kernels;

/// <summary>
/// The kernels and the decoders, once more in processes whose run-time was told that the processor
/// knows less than it does: not only the choice of the path, but every instruction that is compiled is then another.
/// </summary>
public sealed class InstructionSetTests
{
    private const string Expected = "ATELIER_TEST_KERNEL_PATH";
    private static readonly string[] Classes = ["*KernelPathTests", "*DecoderTests"];

    [Theory]
    [InlineData("EnableAVX512", "avx2", "avx2-vnni")]
    [InlineData("EnableAVX2", "sse")]
    [InlineData("EnableHWIntrinsic", "plain", "sse")]
    public async Task Everything_holds_on_a_processor_that_knows_less(string setting, params string[] paths)
    {
        if (!System.Runtime.Intrinsics.X86.Sse2.IsSupported)
            Assert.Skip("this processor has no x64 instruction sets to switch off");
        if (Environment.GetEnvironmentVariable(Expected) is not null)
            Assert.Skip("this is such a process itself");
        string log = "";
        var start = new ProcessStartInfo("dotnet",
            [typeof(InstructionSetTests).Assembly.Location, "--progress", "off", "--no-ansi", "--filter-class",
            .. Classes, "*InstructionSetTests"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_" + setting] = "0", [Expected] = string.Join(' ', paths) },
        };
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) => log += line.Data + "\n";
        process.BeginErrorReadLine();
        log = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + log;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0, log);
    }

    [Fact]
    public void The_best_path_is_the_one_that_the_setting_leaves()
    {
        if (Environment.GetEnvironmentVariable(Expected) is not { } expected)
            Assert.Skip("nothing is switched off here");
        else
            expected.Split(' ').ShouldContain(KernelPath.Best.Name);
    }
}
