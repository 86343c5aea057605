using Atelier.Kernels;
using Atelier.TestSupport;

namespace Atelier.Runtime.Tests.Kernels;

/// <summary>The kernels and the decoders once more, compiled as for processors with fewer instructions.</summary>
public sealed class InstructionSetTests
{
    private const string Expected = "ATELIER_TEST_KERNEL_PATH";

    [Theory]
    [InlineData("EnableAVX512", "avx2", "avx2-vnni")]
    [InlineData("EnableAVX2", "sse")]
    [InlineData("EnableHWIntrinsic", "plain", "sse")]
    public Task Everything_holds_on_a_processor_that_knows_less(string setting, params string[] paths) =>
        ProcessorWithout.RunAsync("DOTNET_" + setting, typeof(InstructionSetTests).Assembly,
            new Dictionary<string, string> { [Expected] = string.Join(' ', paths) },
            "*KernelPathTests", "*GroupedProductsTests", "*DecoderTests", "*InstructionSetTests");

    [Fact]
    public void The_best_path_is_the_one_that_the_setting_leaves()
    {
        if (Environment.GetEnvironmentVariable(Expected) is not { } expected)
            Assert.Skip("nothing is switched off here");
        else
            expected.Split(' ').ShouldContain(KernelPath.Best.Name);
    }
}
