using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>Selects the device of tensor computations, the number of threads, and the use of memory.</summary>
public static partial class ComputeDevice
{
    // malloc.h of glibc
    private const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3;

    // All cores, or the value of OMP_NUM_THREADS. It must be read before any other number is set.
    private static readonly int DefaultThreads = get_num_threads();

    /// <summary>
    /// Whether this CPU has instructions for products of bf16 numbers: AVX512-BF16, or AMX-BF16 (CPUID leaf 7, EDX bit
    /// 22).
    /// </summary>
    internal static bool HasBf16Products { get; } = Instructions.HasAvx512Bf16
        || (X86Base.IsSupported && (X86Base.CpuId(7, 0).Edx & (1 << 22)) != 0);

    // musl has no mallopt
    private static bool HasGlibc => RuntimeInformation.RuntimeIdentifier.StartsWith("linux", StringComparison.Ordinal)
        && NativeLibrary.TryLoad("libc.so.6", out nint libc)
        && NativeLibrary.TryGetExport(libc, "gnu_get_libc_version", out _);

    /// <summary>Returns the device with a name.</summary>
    /// <param name="name">"cpu", "cuda", or "auto", which takes CUDA if it is available and the CPU otherwise.</param>
    /// <exception cref="AtelierException">The name is unknown, or there is no CUDA device.</exception>
    public static Device Resolve(string name) => name switch
    {
        "cpu" => CPU,
        "auto" => cuda.is_available() ? CUDA : CPU,
        "cuda" when cuda.is_available() => CUDA,
        "cuda" => throw new AtelierException("there is no CUDA device, or this build has no CUDA",
            "training.device", "use cpu or auto, or build with -p:AtelierCuda=true on a machine with an NVIDIA GPU"),
        _ => throw new AtelierException($"there is no device '{name}'", "training.device", "use auto, cpu or cuda"),
    };

    /// <summary>Returns bf16 for devices that have instructions for bf16 products, and fp32 for others.</summary>
    /// <param name="device">The name of the device, as for <see cref="Resolve"/>.</param>
    internal static Precision FastPrecision(string device) =>
        Resolve(device).type == DeviceType.CPU && !HasBf16Products ? Precision.Fp32 : Precision.Bf16;

    /// <summary>
    /// Returns the device with a name, after checking that the tensor library's results are correct on it.
    /// </summary>
    /// <param name="name">The name of the device, as for <see cref="Resolve"/>.</param>
    /// <param name="cancellation">Cancels the check of the tensor library's operators.</param>
    /// <exception cref="AtelierException">
    /// There is no such device, or the tensor library's results are wrong on it.
    /// </exception>
    internal static Device ResolveForTraining(string name, CancellationToken cancellation = default)
    {
        Device device = Resolve(name);
        if (device.type == DeviceType.CPU)
            CheckedOperators.Require(cancellation);
        return device;
    }

    /// <summary>
    /// Sets the number of threads of the tensor library. With glibc it also keeps freed memory in the process, because
    /// each training step allocates the same large tensors again, and the kernel would zero their pages each time (12 %
    /// of a step).
    /// </summary>
    /// <param name="threads">The number of threads, at least 1; 0 takes all cores, or the value of the environment
    /// variable OMP_NUM_THREADS.</param>
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
    /// Sets whether CUDA may compute fp32 products on tensor cores, which round the factors to TF32 (10 bits of
    /// mantissa) and accumulate in fp32. It has no effect on CPUs.
    /// </summary>
    internal static void AllowTf32(bool allowed)
    {
        backends.cuda.matmul.allow_tf32 = allowed;
        backends.cudnn.allow_tf32 = allowed;
    }

    /// <summary>
    /// Starts to copy a tensor to a device, and returns without waiting. Copies to CUDA start from page-locked memory,
    /// so that neither the calling thread nor the device waits. Later operations on the device see the complete copy,
    /// because they follow it in the same stream.
    /// </summary>
    internal static Tensor SendAhead(Tensor tensor, Device device)
    {
        if (device.type != DeviceType.CUDA)
            return tensor.to(device, copy: true);
        using Tensor pinned = tensor.pin_memory(); // libtorch does not reuse its pages before the copy is complete
        return pinned.to(device, non_blocking: true);
    }

    /// <summary>Returns freed memory to the operating system if the C library is glibc, which keeps it.</summary>
    internal static void GiveMemoryBack()
    {
        if (HasGlibc)
            TrimMalloc(0);
    }

    /// <summary>Returns the number of threads of a setting, in which 0 stands for the default number.</summary>
    /// <param name="setting">The number of threads, or 0.</param>
    /// <param name="sharers">The number of processes that divide the cores among themselves.</param>
    internal static int ThreadsOf(int setting, int sharers = 1) => setting > 0 ? setting
        : sharers == 1 || Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is not null ? DefaultThreads
        : Math.Max(1, DefaultThreads / sharers);

    /// <summary>Sets the number of threads of operations that the calling thread starts.</summary>
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
