using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>The device of tensor computations, and the number of threads.</summary>
public static partial class ComputeDevice
{
    // malloc.h of glibc
    private const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3;

    // All cores, or what OMP_NUM_THREADS says; read before anything sets another number.
    private static readonly int DefaultThreads = get_num_threads();

    /// <summary>
    /// Whether this CPU multiplies bf16 numbers by an instruction: AVX512-BF16's or AMX's (leaf 7, EDX bit 22).
    /// </summary>
    internal static bool HasBf16Products { get; } = Instructions.HasAvx512Bf16
        || (X86Base.IsSupported && (X86Base.CpuId(7, 0).Edx & (1 << 22)) != 0);

    // musl has no mallopt
    private static bool HasGlibc => RuntimeInformation.RuntimeIdentifier.StartsWith("linux", StringComparison.Ordinal)
        && NativeLibrary.TryLoad("libc.so.6", out nint libc)
        && NativeLibrary.TryGetExport(libc, "gnu_get_libc_version", out _);

    /// <summary>The device of that name.</summary>
    /// <param name="name">"cpu", "cuda", or "auto", which takes CUDA where there is one.</param>
    /// <exception cref="AtelierException">The name is another, or there is no CUDA device.</exception>
    public static Device Resolve(string name) => name switch
    {
        "cpu" => CPU,
        "auto" => cuda.is_available() ? CUDA : CPU,
        "cuda" when cuda.is_available() => CUDA,
        "cuda" => throw new AtelierException("there is no CUDA device, or this build has no CUDA",
            "training.device", "take cpu or auto, or build with -p:AtelierCuda=true on a machine with an NVIDIA GPU"),
        _ => throw new AtelierException($"there is no device '{name}'", "training.device", "take auto, cpu or cuda"),
    };

    /// <summary>bf16 where a device multiplies in it by an instruction, fp32 elsewhere.</summary>
    /// <param name="device">As of <see cref="Resolve"/>.</param>
    internal static Precision FastPrecision(string device) =>
        Resolve(device).type == DeviceType.CPU && !HasBf16Products ? Precision.Fp32 : Precision.Bf16;

    /// <summary>The device of that name, where what it computes is right.</summary>
    /// <param name="name">As of <see cref="Resolve"/>.</param>
    /// <param name="cancellation">Stops the check of the tensor library's operators.</param>
    /// <exception cref="AtelierException">
    /// There is no such device, or the tensor library's answers are wrong on it.
    /// </exception>
    internal static Device ResolveForTraining(string name, CancellationToken cancellation = default)
    {
        Device device = Resolve(name);
        if (device.type == DeviceType.CPU)
            CheckedOperators.Require(cancellation);
        return device;
    }

    /// <summary>
    /// Sets the tensor library's threads, and on glibc keeps freed memory in the process: a training step frees and
    /// takes the same large tensors again, and the kernel would zero each page anew (12 % of a step).
    /// </summary>
    /// <param name="threads">At least 1; 0 takes all cores, or the environment variable OMP_NUM_THREADS.</param>
    public static void Configure(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        if (HasGlibc)
        {
            SetMalloc(MmapThreshold, 1 << 30);
            SetMalloc(TrimThreshold, int.MaxValue);
            SetMalloc(TopPad, 256 << 20);
        }
        SetThreads(threads == 0 ? DefaultThreads : threads);
    }

    /// <summary>
    /// Whether CUDA may round the factors of fp32 products to tf32, 10 bits of mantissa, while it adds up in fp32; then
    /// they run on its tensor cores. CPUs take no notice.
    /// </summary>
    internal static void AllowTf32(bool allowed)
    {
        backends.cuda.matmul.allow_tf32 = allowed;
        backends.cudnn.allow_tf32 = allowed;
    }

    /// <summary>
    /// Starts copying a tensor to a device and returns. Copies to CUDA go from page-locked memory, so that neither the
    /// calling thread nor the device waits. Later operations on the device see the whole copy, since they follow it in
    /// the same queue.
    /// </summary>
    internal static Tensor SendAhead(Tensor tensor, Device device)
    {
        if (device.type != DeviceType.CUDA)
            return tensor.to(device, copy: true);
        using Tensor pinned = tensor.pin_memory(); // libtorch gives its pages to nobody before the copy is done
        return pinned.to(device, non_blocking: true);
    }

    /// <summary>Gives freed memory back to the system, where the C library keeps it.</summary>
    internal static void GiveMemoryBack()
    {
        if (HasGlibc)
            TrimMalloc(0);
    }

    /// <summary>The threads that a setting means: itself, or all cores for 0.</summary>
    internal static int ThreadsOf(int setting) => setting == 0 ? DefaultThreads : setting;

    /// <summary>Sets the tensor library's threads for operations that the calling thread begins.</summary>
    internal static void SetThreads(int threads)
    {
        if (get_num_threads() != threads)
            set_num_threads(threads);
    }

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int TrimMalloc(nuint pad);

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int SetMalloc(int option, int value);
}
