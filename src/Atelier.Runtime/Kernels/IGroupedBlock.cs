using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>
/// Loads 256 weights of the types in <see cref="FileBlocks"/> into 256-bit registers: one block, or eight of 32. A
/// weight is the scale of its group times its code, minus the minimum of its group.
/// </summary>
internal unsafe interface IGroupedBlock
{
    /// <summary>The size of 256 weights in bytes.</summary>
    static abstract int Bytes { get; }

    /// <summary>Whether groups have 16 weights; otherwise they have 32.</summary>
    static abstract bool HasHalves { get; }

    /// <summary>
    /// Whether codes are signed bytes from −127 to 127, and all minimums are 0. Otherwise codes are unsigned, and at
    /// most 63 unless the dot product takes any byte.
    /// </summary>
    static abstract bool IsSigned { get; }

    /// <summary>
    /// Number of products of a code with a value from −127 to 127 that may be added in pairs to sums of 16 bits: 8 with
    /// codes up to 15, 4 with codes up to 31, 2 with codes up to 63.
    /// </summary>
    static abstract int MostSums { get; }

    /// <summary>
    /// Returns the scales and minimums of the groups 0 to 7, and of 8 to 15 if groups have 16 weights.
    /// </summary>
    static abstract void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums);

    /// <summary>Returns the codes of 128 weights, 32 in each register.</summary>
    /// <param name="block">The first of 256 weights.</param>
    /// <param name="half">0 for the first 128 weights, 1 for the others.</param>
    /// <param name="a">The first 32 codes.</param>
    /// <param name="b">The second.</param>
    /// <param name="c">The third.</param>
    /// <param name="d">The fourth.</param>
    static abstract void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d);
}
