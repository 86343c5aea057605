using System.Runtime.Intrinsics.X86;

namespace Atelier.Tensors;

/// <summary>Detects optional processor instructions that some kernels use.</summary>
public static class Instructions
{
    private const int AmxBits = (1 << 24) | (1 << 22);

    /// <summary>
    /// Whether the processor has AVX-512F and AVX-512BW, which training kernels and the widest decoding kernels use.
    /// </summary>
    public static bool HasAvx512 => Avx512F.IsSupported && Avx512BW.IsSupported;

    /// <summary>
    /// Whether the processor has AVX512-BF16 (CPUID leaf 7.1, EAX bit 5), which matrix products in training use.
    /// </summary>
    public static bool HasAvx512Bf16 { get; } = X86Base.IsSupported && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;

    /// <summary>
    /// Whether the processor has AMX's tiles with bf16 products (CPUID leaf 7, EDX bits 24 and 22), which matrix
    /// products in training use. The environment variable ATELIER_AMX=0 says no.
    /// </summary>
    public static bool HasAmxBf16 { get; } = X86Base.IsSupported
        && (X86Base.CpuId(7, 0).Edx & AmxBits) == AmxBits
        && !string.Equals(Environment.GetEnvironmentVariable("ATELIER_AMX"), "0", StringComparison.Ordinal);

    /// <summary>Whether the processor has AVX-VNNI, which int8 products in decoding use.</summary>
    public static bool HasAvxVnni => AvxVnni.IsSupported;
}
