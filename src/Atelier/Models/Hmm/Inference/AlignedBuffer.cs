using System.Runtime.InteropServices;

namespace Atelier.Models.Hmm.Inference;

/// <summary>Numbers that begin with a cache line, so that no vector lies across two.</summary>
/// <param name="count">The number of elements; they are not initialised.</param>
internal sealed unsafe class AlignedBuffer(long count) : IDisposable
{
    /// <summary>A copy of others.</summary>
    public AlignedBuffer(double[] values) : this(values.Length) =>
        values.CopyTo(new Span<double>(Pointer, values.Length));

    /// <summary>The first number.</summary>
    public double* Pointer { get; } =
        (double*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, count) * sizeof(double), 64);

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(Pointer);
}
