using Atelier.Tensors;
using Atelier.TestSupport;

namespace Atelier.Tests.Kernels;

/// <summary>Training and sampling once more, compiled as for a processor without AVX-512.</summary>
public sealed class InstructionSetTests
{
    [Fact]
    public Task Models_learn_and_draw_on_a_processor_without_avx_512() =>
        ProcessorWithout.RunAsync("DOTNET_EnableAVX512", typeof(InstructionSetTests).Assembly,
            new Dictionary<string, string>(), "*Bf16Tests", "*GanFamilyTests", "*OptimizerTests",
            "*DrawingThreadsTests", "*TrainingPathTests", "*Kernels.InstructionSetTests");

    [Fact]
    public Task Products_are_right_on_a_processor_without_amx() =>
        ProcessorWithout.RunAsync("ATELIER_AMX", typeof(InstructionSetTests).Assembly,
            new Dictionary<string, string>(), "*Bf16ProductTests", "*TransformerKernelsTests",
            "*CrossEntropyHeadTests");

    [Fact]
    public void No_kernel_that_needs_them_is_chosen_without_the_instructions()
    {
        if (ProcessorWithout.IsThis)
            Bf16.IsSupported.ShouldBeFalse();
        else
            Assert.Skip("nothing is switched off here");
    }
}
