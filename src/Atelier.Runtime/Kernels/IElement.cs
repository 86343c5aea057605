using System.Runtime.CompilerServices;

namespace Atelier.Kernels;

/// <summary>Loads unquantised weights into a register of floats.</summary>
internal unsafe interface IElement
{
    /// <summary>The size of an element in bytes.</summary>
    static abstract int Size { get; }

    static abstract TVector Load<TLanes, TVector>(byte* source)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;
}

/// <summary>Single precision.</summary>
internal readonly unsafe struct SingleElement : IElement
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* source)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.Load((float*)source);
}

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BFloat16Element : IElement
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* source)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.LoadBFloat16((ushort*)source);
}

/// <summary>Half precision.</summary>
internal readonly unsafe struct HalfElement : IElement
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* source)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.LoadHalf((ushort*)source);
}
