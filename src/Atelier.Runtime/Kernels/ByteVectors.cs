namespace Atelier.Kernels;

/// <summary>
/// Vectors quantised to 8 bits, which blocked weights are multiplied with: element c is Scales[c / 32] · Values[c],
/// where values are from −127 to 127.
/// </summary>
/// <param name="values">The quantised values, [vectors, columns].</param>
/// <param name="scales">The scales, [vectors, columns / 32].</param>
/// <param name="sums">The sums of 32 values, [vectors, columns / 32], which correct for weights stored with an
/// offset.</param>
/// <param name="halfSums">The sums of 16 values, [vectors, columns / 16].</param>
internal readonly unsafe struct ByteVectors(sbyte* values, float* scales, int* sums, int* halfSums)
{
    public readonly sbyte* Values = values;
    public readonly float* Scales = scales;
    public readonly int* Sums = sums;
    public readonly int* HalfSums = halfSums;

    /// <summary>Returns the vectors from an index on.</summary>
    public ByteVectors At(int vector, int columns)
    {
        long blocks = (long)vector * (columns / WeightTypes.BlockSize);
        return new(Values + blocks * WeightTypes.BlockSize, Scales + blocks, Sums + blocks, HalfSums + 2 * blocks);
    }
}
