namespace Atelier.Kernels;

/// <summary>
/// Products of blocked weights for AVX-512: those of AVX2, but few vectors are multiplied with weights in groups in
/// registers of 512 bits.
/// </summary>
internal readonly unsafe struct Avx512Blocks<TDot> : IBlockProducts
    where TDot : struct, IByteDot
{
    public static bool MultipliesGroups => true;

    public static void MultiplyQ8(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Avx2Blocks<TDot>.MultiplyQ8(w, x, vectors, y, yStride);

    public static void MultiplyQ4(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Avx2Blocks<TDot>.MultiplyQ4(w, x, vectors, y, yStride);

    public static void MultiplyGroups(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride,
        bool asAlone) => Avx2Blocks<TDot>.MultiplyGroups(w, x, vectors, y, yStride, asAlone, isWide: true);
}
