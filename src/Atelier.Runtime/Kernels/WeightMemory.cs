using System.Runtime.InteropServices;

namespace Atelier.Kernels;

/// <summary>
/// Native memory, aligned to cache lines and initialised to zero, that is freed when it is no longer referenced.
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
