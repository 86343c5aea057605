namespace Atelier.Kernels;

/// <summary>
/// Vectors in 8 bits, what blocked weights are multiplied with: element c is Scales[c / 32] · Values[c], from −127 to 127.
/// </summary>
/// <param name="values">[vectors, columns].</param>
/// <param name="scales">[vectors, columns / 32].</param>
/// <param name="offsets">[vectors, columns / 4]: −8 times the sum of four values, for weights that are stored with 8 added.</param>
internal readonly unsafe struct ByteVectors(sbyte* values, float* scales, int* offsets)
{
    public readonly sbyte* Values = values;
    public readonly float* Scales = scales;
    public readonly int* Offsets = offsets;
}
