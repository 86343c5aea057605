using System.Runtime.InteropServices;

namespace Atelier.Kernels;

/// <summary>
/// Memory outside the managed heap, aligned to cache lines, filled with zeros, that goes when nobody holds it any more.
/// </summary>
internal sealed unsafe class WeightMemory : SafeHandle
{
    private const int CacheLine = 64;

    public WeightMemory(nuint size) : base(0, ownsHandle: true)
    {
        Data = (byte*)NativeMemory.AlignedAlloc(size, CacheLine);
        NativeMemory.Clear(Data, size);
        SetHandle((nint)Data);
    }

    public byte* Data { get; }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
