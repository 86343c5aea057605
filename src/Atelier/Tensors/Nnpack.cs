using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Tensors;

/// <summary>NNPACK within libtorch, a second path of fp32 convolutions.</summary>
internal static class Nnpack
{
    private const string Switch = "_ZN2at7Context20setUserEnabledNNPACKEb"; // at::Context::setUserEnabledNNPACK(bool)

    /// <summary>
    /// Switches it off where it cannot run, on x64 without AVX2 or with hidden caches: libtorch would try all the same,
    /// and print a warning for each thread. Elsewhere it stays as it is.
    /// </summary>
    public static void SwitchOffWhereItCannotRun()
    {
        if (RuntimeInformation.ProcessArchitecture == Architecture.X64 && (OneDnn.HasHiddenCaches || !Avx2.IsSupported))
            LibTorch.SwitchOff(Switch);
    }
}
