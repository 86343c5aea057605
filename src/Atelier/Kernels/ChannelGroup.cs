using System.Runtime.Intrinsics;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>The size of a group of channels, and what is added to its variance.</summary>
/// <param name="Channels">Of one group.</param>
/// <param name="Places">Height times width; at least 16.</param>
/// <param name="Epsilon">ε.</param>
internal readonly record struct ChannelGroup(int Channels, int Places, double Epsilon)
{
    /// <summary>Numbers of one picture's group.</summary>
    public int Size => Channels * Places;

    /// <summary>The groups of pictures.</summary>
    /// <param name="shape">[batch, channels, height, width].</param>
    /// <param name="groups">How many; they divide the channels.</param>
    /// <param name="epsilon">ε.</param>
    public static ChannelGroup Of(long[] shape, long groups, double epsilon) =>
        new((int)(shape[1] / groups), (int)(shape[2] * shape[3]), epsilon);

    /// <summary>All bits of those numbers of a register that earlier registers have not covered.</summary>
    /// <param name="covered">How many of the first it covers again; below 16.</param>
    public Vector512<float> New(int covered) => covered == 0
        ? Vector512<float>.AllBitsSet
        : Vector512.GreaterThanOrEqual(Vector512<int>.Indices, Vector512.Create(covered)).AsSingle();

    /// <summary>All bits of the last numbers of a register.</summary>
    /// <param name="count">How many; below 16.</param>
    public Vector512<float> Last(int count) => New(Bf16.Lanes - count);
}
