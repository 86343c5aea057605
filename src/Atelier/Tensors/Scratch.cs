using System.Runtime.InteropServices;

namespace Atelier.Tensors;

/// <summary>An arena of fp32 memory for the intermediate results of a kernel.</summary>
internal unsafe ref struct Scratch
{
    private const int Alignment = 64; // bytes of a 512-bit register and of a cache line
    private readonly float* _all;
    private readonly long _size;
    private long _taken;

    /// <summary>Allocates uninitialised memory.</summary>
    /// <param name="size">The total number of elements.</param>
    public Scratch(long size)
    {
        _size = size;
        _all = (float*)NativeMemory.AlignedAlloc((nuint)(size * sizeof(float)), Alignment);
    }

    /// <summary>Returns the next piece of the memory.</summary>
    /// <param name="count">The number of elements, a multiple of sixteen.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less memory is left.</exception>
    public float* Take(long count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_taken + count, _size);
        float* piece = _all + _taken;
        _taken += count;
        return piece;
    }

    /// <summary>Frees the memory.</summary>
    public readonly void Dispose() => NativeMemory.AlignedFree(_all);
}
