using System.Runtime.InteropServices;

namespace Atelier.Kernels.Gemm;

/// <summary>
/// Instructions made at run time, in pages that are first written and then, never writable again, executed. .NET 10 has
/// no intrinsics for AVX512-BF16; this is how they are reached, as oneDNN reaches them.
/// </summary>
internal static unsafe partial class MachineCode
{
    // sys/mman.h of Linux
    private const int Read = 1, Write = 2, Execute = 4, Private = 2, Anonymous = 0x20;
    // asm/unistd_64.h, asm/prctl.h and asm/fpu/types.h of Linux on x64
    private const int ArchitectureControl = 158, RequestPermission = 0x1023, TileData = 18;
    private static readonly nint Failed = -1;

    /// <summary>
    /// Whether functions can be made here: the instructions are those of x64, the calls those of System V's convention,
    /// the pages Linux's.
    /// </summary>
    public static bool IsSupported { get; } = OperatingSystem.IsLinux()
        && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>Puts instructions where they can be executed, for the life of the process.</summary>
    /// <param name="code">They hold no address of their own.</param>
    /// <returns>Where they begin; 0 where the system allows no such pages.</returns>
    public static nint Publish(ReadOnlySpan<byte> code)
    {
        var size = (nuint)code.Length;
        nint pages = Map(0, size, Read | Write, Private | Anonymous, -1, 0);
        if (pages == Failed)
            return 0;
        code.CopyTo(new Span<byte>((void*)pages, code.Length));
        if (Protect(pages, size, Read | Execute) == 0)
            return pages;
        _ = Unmap(pages, size);
        return 0;
    }

    /// <summary>
    /// Asks the system to keep the tile registers of this process's threads, as it does only on request (Linux'
    /// Documentation/arch/x86/xstate.rst).
    /// </summary>
    /// <returns>Whether it does.</returns>
    public static bool RequestTiles() => SystemCall(ArchitectureControl, RequestPermission, TileData) == 0;

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long SystemCall(long number, long first, long second);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint size, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint size, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint size);
}
