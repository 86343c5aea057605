using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Tensors;

/// <summary>Controls NNPACK, which libtorch may use for fp32 convolutions.</summary>
internal static class Nnpack
{
    private const string Switch = "_ZN2at7Context20setUserEnabledNNPACKEb"; // at::Context::setUserEnabledNNPACK(bool)

    /// <summary>
    /// Switches NNPACK off if it cannot run, on x64 without AVX2 or with hidden caches. libtorch would try to use it
    /// nevertheless, and print a warning for each thread.
    /// </summary>
    public static void SwitchOffWhereItCannotRun()
    {
        if (RuntimeInformation.ProcessArchitecture == Architecture.X64 && (OneDnn.HasHiddenCaches || !Avx2.IsSupported))
            LibTorch.SwitchOff(Switch);
    }
}
