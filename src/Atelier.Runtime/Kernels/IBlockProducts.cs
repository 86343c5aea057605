namespace Atelier.Kernels;

/// <summary>
/// Products of weights in blocks with vectors in 8 bits. The dot product of a block is computed in integers, then
/// multiplied by the scales.
/// </summary>
internal interface IBlockProducts
{
    /// <summary>Computes y[t, r] = Σ W[r, c] x[t, c] for 8-bit blocks.</summary>
    static abstract unsafe void MultiplyQ8(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride);

    /// <summary>Computes y[t, r] = Σ W[r, c] x[t, c] for 4-bit blocks.</summary>
    static abstract unsafe void MultiplyQ4(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride);

    /// <summary>Computes y[t, r] = Σ W[r, c] x[t, c] for the blocks of <see cref="FileBlocks"/>.</summary>
    static abstract unsafe void MultiplyGroups(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride,
        bool asAlone);

    /// <summary>Whether <see cref="MultiplyGroups"/> is more than plain code.</summary>
    static abstract bool MultipliesGroups { get; }
}

/// <summary>Plain code, one value at a time: the reference for the other implementations.</summary>
internal readonly unsafe struct PlainBlocks : IBlockProducts
{
    public static void MultiplyQ8(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Multiply(w, x, vectors, y, yStride, WeightTypes.Q8BlockBytes, &Q8);

    public static void MultiplyQ4(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Multiply(w, x, vectors, y, yStride, WeightTypes.Q4BlockBytes, &Q4);

    public static bool MultipliesGroups => false;

    public static void MultiplyGroups(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride,
        bool asAlone)
    {
        (int elements, int bytes) = FileBlocks.Size(w.Type);
        int groupSize = FileBlocks.GroupSize(w.Type);
        Span<sbyte> codes = stackalloc sbyte[WeightTypes.LargeBlockSize];
        Span<float> scales = stackalloc float[FileBlocks.MostGroups],
            minimums = stackalloc float[FileBlocks.MostGroups];
        for (int row = 0; row < w.Rows; row++)
        {
            for (int t = 0; t < vectors; t++)
                y[t * yStride + row] = 0;
            for (int first = 0; first < w.Columns; first += elements)
            {
                byte* block = w.Data + row * w.RowBytes + (long)first / elements * bytes;
                FileBlocks.Unpack(w.Type, new(block, bytes), codes, scales, minimums);
                for (int t = 0; t < vectors; t++)
                {
                    for (int i = 0; i < elements; i += groupSize)
                    {
                        long at = (long)t * w.Columns + first + i;
                        (int dot, int sum) = (0, 0);
                        for (int j = 0; j < groupSize; j++)
                            (dot, sum) = (dot + codes[i + j] * x.Values[at + j], sum + x.Values[at + j]);
                        y[t * yStride + row] += x.Scales[at / WeightTypes.BlockSize]
                            * (scales[i / groupSize] * dot - minimums[i / groupSize] * sum);
                    }
                }
            }
        }
    }

    private static void Multiply(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride,
        int blockBytes, delegate*<byte*, sbyte*, int> dot)
    {
        int blocks = w.Columns / WeightTypes.BlockSize;
        for (int t = 0; t < vectors; t++)
        {
            for (int row = 0; row < w.Rows; row++)
            {
                float sum = 0;
                for (int b = 0; b < blocks; b++)
                {
                    byte* block = w.Data + row * w.RowBytes + (long)b * blockBytes;
                    float scale = (float)BitConverter.UInt16BitsToHalf(*(ushort*)block) * x.Scales[t * blocks + b];
                    sum += scale * dot(block + 2, x.Values + ((long)t * blocks + b) * WeightTypes.BlockSize);
                }
                y[t * yStride + row] = sum;
            }
        }
    }

    private static int Q8(byte* weights, sbyte* values)
    {
        int sum = 0;
        for (int i = 0; i < WeightTypes.BlockSize; i++)
            sum += (sbyte)weights[i] * values[i];
        return sum;
    }

    private static int Q4(byte* weights, sbyte* values)
    {
        int sum = 0;
        for (int i = 0; i < 16; i++)
            sum += ((weights[i] & 15) - 8) * values[i] + ((weights[i] >> 4) - 8) * values[16 + i];
        return sum;
    }
}
