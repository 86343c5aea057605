using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// Gives kernels the address of a tensor's elements, which must stay alive while it is used, and reads elements.
/// </summary>
internal static unsafe class TensorMemory
{
    /// <summary>
    /// Returns the elements of a tensor, row by row, as fp32 on the CPU. They live as long as the dispose scope.
    /// </summary>
    public static ReadOnlySpan<float> Floats(this Tensor tensor) =>
        MemoryMarshal.Cast<byte, float>(tensor.to(ScalarType.Float32).cpu().contiguous().bytes);

    /// <summary>Returns the address of the first element of a contiguous tensor on the CPU.</summary>
    public static T* Pointer<T>(this Tensor tensor)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    /// <summary>As <see cref="Pointer{T}"/>; null if the tensor is null.</summary>
    public static T* PointerOrNull<T>(this Tensor? tensor)
        where T : unmanaged => tensor is null ? null : tensor.Pointer<T>();
}
