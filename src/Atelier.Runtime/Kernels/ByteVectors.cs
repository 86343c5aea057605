namespace Atelier.Kernels;

/// <summary>
/// Vectors in 8 bits, what blocked weights are multiplied with: element c is Scales[c / 32] · Values[c], from −127 to
/// 127.
/// </summary>
/// <param name="values">[vectors, columns].</param>
/// <param name="scales">[vectors, columns / 32].</param>
/// <param name="sums">[vectors, columns / 32]: the sum of 32 values, for weights that are stored with a number
/// added.</param>
internal readonly unsafe struct ByteVectors(sbyte* values, float* scales, int* sums)
{
    public readonly sbyte* Values = values;
    public readonly float* Scales = scales;
    public readonly int* Sums = sums;

    /// <summary>The vectors from one on.</summary>
    public ByteVectors At(int vector, int columns)
    {
        long blocks = (long)vector * (columns / WeightTypes.BlockSize);
        return new(Values + blocks * WeightTypes.BlockSize, Scales + blocks, Sums + blocks);
    }
}
