namespace Atelier.Kernels;

/// <summary>
/// Products of weights in blocks of 32 with vectors in 8 bits. The dot product of a block is computed in integers, then
/// multiplied by the scales.
/// </summary>
internal interface IBlockProducts
{
    /// <summary>Computes y[t, r] = Σ W[r, c] x[t, c] for 8-bit blocks.</summary>
    static abstract unsafe void MultiplyQ8(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride);

    /// <summary>Computes y[t, r] = Σ W[r, c] x[t, c] for 4-bit blocks.</summary>
    static abstract unsafe void MultiplyQ4(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride);
}

/// <summary>Plain code, one value at a time: the reference for the other implementations.</summary>
internal readonly unsafe struct PlainBlocks : IBlockProducts
{
    public static void MultiplyQ8(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Multiply(w, x, vectors, y, yStride, WeightTypes.Q8BlockBytes, &Q8);

    public static void MultiplyQ4(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Multiply(w, x, vectors, y, yStride, WeightTypes.Q4BlockBytes, &Q4);

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
