using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tensors;

/// <summary>
/// Works around an error of oneDNN in libtorch. If a virtual machine hides the caches of an AMD processor (CPUID leaf
/// 0x8000001D is empty), the oneDNN of libtorch 2.10 assumes caches of one byte each, splits its reordering of elements
/// into pieces of less than one element, and loses some (compare oneDNN's issue 5313). If it knows of no caches at all,
/// it assumes default sizes and its results are correct. The number of caches that it stores is therefore set to zero
/// before it computes anything.
/// </summary>
internal static unsafe class OneDnn
{
    private const int CacheLeaf = unchecked((int)0x8000001D), LargestLeaf = unchecked((int)0x80000000);
    private const int KnownLevels = 3; // the number of cache levels that it assumes of AMD processors

    // The Xbyak::util::Cpu that is a static variable of the function dnnl::impl::cpu::x64::cpu(), and its guard, which
    // is not zero once the variable is initialised
    private const string CpuSymbol = "_ZZN4dnnl4impl3cpu3x643cpuEvE4cpu_";
    private const string GuardSymbol = "_ZGVZN4dnnl4impl3cpu3x643cpuEvE4cpu_";
    private const int CpuSize = 0x90, GuardSize = 8, SizesOffset = 0x1C, LevelsOffset = 0x6C;

    private const string Switch = "_ZN2at7Context20setUserEnabledMkldnnEb"; // at::Context::setUserEnabledMkldnn(bool)

    /// <summary>Whether this is an AMD processor whose caches are hidden from programs.</summary>
    public static bool HasHiddenCaches { get; } = X86Base.IsSupported && IsAmd
        && (uint)X86Base.CpuId(LargestLeaf, 0).Eax >= unchecked((uint)CacheLeaf)
        && (X86Base.CpuId(CacheLeaf, 0).Eax & 0x1F) == 0;

    // "Auth", "cAMD", "enti"
    private static bool IsAmd => X86Base.CpuId(0, 0) is (_, 0x68747541, 0x444D4163, 0x69746E65);

    /// <summary>
    /// Makes oneDNN assume default sizes if caches are hidden. It must be called before oneDNN computes anything else.
    /// </summary>
    /// <returns>The sizes that oneDNN then assumes.</returns>
    public static CacheSizes CorrectCacheSizes()
    {
        if (!HasHiddenCaches)
            return CacheSizes.Known;
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return CacheSizes.Wrong;
        Meet();
        (string path, nint start) = LibTorch.File();
        if (SymbolTable.Find(path, CpuSymbol, CpuSize) is not { } place
            || SymbolTable.Find(path, GuardSymbol, GuardSize) is not { } guard)
        {
            return CacheSizes.Wrong;
        }
        var cpu = (byte*)(start + (nint)place);
        ReadOnlySpan<uint> sizes = new(cpu + SizesOffset, KnownLevels);
        ref int levels = ref *(int*)(cpu + LevelsOffset);
        // Only values that are known to be wrong are changed: other versions of oneDNN may store theirs elsewhere.
        if (*(byte*)(start + (nint)guard) == 0 || levels != KnownLevels || sizes.ContainsAnyExceptInRange(0u, 1u))
            return CacheSizes.Wrong;
        Volatile.Write(ref levels, 0);
        return CacheSizes.Guessed;
    }

    /// <summary>Switches oneDNN off for the whole process.</summary>
    /// <returns>Whether that was possible.</returns>
    public static bool SwitchOff() => LibTorch.SwitchOff(Switch);

    /// <summary>Makes oneDNN detect the processor, by a convolution that is correct whatever it detects.</summary>
    private static void Meet()
    {
        using var scope = NewDisposeScope();
        using var none = no_grad();
        F.conv2d(zeros(2, 16, 1, 1), zeros(16, 16, 1, 1));
    }
}
