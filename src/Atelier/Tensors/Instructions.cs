using System.Runtime.Intrinsics.X86;

namespace Atelier.Tensors;

/// <summary>Instructions that only some processors have, and for which there are paths of their own.</summary>
public static class Instructions
{
    /// <summary>AVX-512 with bytes and words: the kernels of training, and the widest ones of decoding.</summary>
    public static bool HasAvx512 => Avx512F.IsSupported && Avx512BW.IsSupported;

    /// <summary>AVX512-BF16 (CPUID leaf 7.1, EAX bit 5): our own products in training.</summary>
    public static bool HasAvx512Bf16 { get; } = X86Base.IsSupported && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;

    /// <summary>AVX-VNNI: products of bytes in decoding.</summary>
    public static bool HasAvxVnni => AvxVnni.IsSupported;
}
