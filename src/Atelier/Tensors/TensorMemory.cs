using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>The address of a tensor's numbers, for kernels. The tensor must outlive its use.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>The first number of a contiguous tensor on the CPU.</summary>
    public static T* Pointer<T>(this Tensor tensor)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    /// <summary>The same, or null where there is no tensor.</summary>
    public static T* PointerOrNull<T>(this Tensor? tensor)
        where T : unmanaged => tensor is null ? null : tensor.Pointer<T>();
}
