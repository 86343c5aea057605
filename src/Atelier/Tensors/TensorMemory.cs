using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>Gives kernels the address of a tensor's elements. The tensor must stay alive while it is used.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>Returns the address of the first element of a contiguous tensor on the CPU.</summary>
    public static T* Pointer<T>(this Tensor tensor)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    /// <summary>As <see cref="Pointer{T}"/>; null if the tensor is null.</summary>
    public static T* PointerOrNull<T>(this Tensor? tensor)
        where T : unmanaged => tensor is null ? null : tensor.Pointer<T>();
}
