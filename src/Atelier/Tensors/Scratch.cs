using System.Runtime.InteropServices;

namespace Atelier.Tensors;

/// <summary>Memory for the intermediate results of a kernel, in fp32, handed out piece by piece.</summary>
internal unsafe ref struct Scratch
{
    private const int Alignment = 64; // bytes of a register and of a line of the cache
    private readonly float* _all;
    private readonly long _size;
    private long _taken;

    /// <summary>Takes memory, uninitialised.</summary>
    /// <param name="size">Numbers in all.</param>
    public Scratch(long size)
    {
        _size = size;
        _all = (float*)NativeMemory.AlignedAlloc((nuint)(size * sizeof(float)), Alignment);
    }

    /// <summary>A piece of it.</summary>
    /// <param name="count">Numbers, a multiple of sixteen.</param>
    public float* Take(long count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_taken + count, _size);
        float* piece = _all + _taken;
        _taken += count;
        return piece;
    }

    /// <summary>Gives the memory back.</summary>
    public readonly void Dispose() => NativeMemory.AlignedFree(_all);
}
