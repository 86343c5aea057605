using System.Runtime.InteropServices;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// Unmanaged memory of fp64 numbers that starts at a multiple of 64 bytes, so that no 512-bit vector crosses a cache
/// line.
/// </summary>
/// <param name="count">The number of elements; they are not initialised.</param>
internal sealed unsafe class AlignedBuffer(long count) : IDisposable
{
    /// <summary>Creates a buffer that holds a copy of an array.</summary>
    public AlignedBuffer(double[] values) : this(values.Length) =>
        values.CopyTo(new Span<double>(Pointer, values.Length));

    /// <summary>The address of the first element.</summary>
    public double* Pointer { get; } =
        (double*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, count) * sizeof(double), 64);

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(Pointer);
}
