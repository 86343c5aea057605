using System.Numerics;
using System.Runtime.InteropServices;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The linear algebra of <see cref="PlainDecoder"/>.</summary>
internal static class PlainProducts
{
    private const int RowsAtOnce = 128; // of weights, what a thread takes of a product at a time
    private const long WorthSharing = 1 << 15; // multiplications below which threads cost more than they save

    /// <summary>Multiplies vectors by a matrix and adds the bias.</summary>
    public static float[][] Product(LinearWeights linear, float[][] x)
    {
        WeightMatrix weight = linear.Weight;
        float[][] result = [.. x.Select(_ => new float[weight.Rows])];
        int blocks = (weight.Rows + RowsAtOnce - 1) / RowsAtOnce;
        if ((long)weight.Rows * weight.Columns * x.Length < WorthSharing)
        {
            for (int block = 0; block < blocks; block++)
                Block(block);
        }
        else
        {
            Parallel.For(0, blocks, Block);
        }
        return result;

        void Block(int block)
        {
            float[] decoded = new float[weight.Type == WeightType.F32 ? 0 : weight.Columns];
            for (int i = block * RowsAtOnce; i < Math.Min(weight.Rows, (block + 1) * RowsAtOnce); i++)
            {
                ReadOnlySpan<float> row = decoded;
                if (weight.Type == WeightType.F32)
                    row = MemoryMarshal.Cast<byte, float>(weight.Row(i));
                else
                    weight.ReadRow(i, decoded);
                for (int t = 0; t < x.Length; t++)
                    result[t][i] = Dot(row, x[t]) + (linear.Bias?[i] ?? 0);
            }
        }
    }

    /// <summary>Returns a row of a matrix.</summary>
    public static float[] Row(WeightMatrix matrix, int row)
    {
        float[] values = new float[matrix.Columns];
        matrix.ReadRow(row, values);
        return values;
    }

    /// <summary>Adds the second vectors to the first.</summary>
    public static void Add(float[][] x, float[][] y)
    {
        for (int t = 0; t < x.Length; t++)
        {
            for (int i = 0; i < x[t].Length; i++)
                x[t][i] += y[t][i];
        }
    }

    /// <summary>Adds a multiple of the second vector to the first.</summary>
    public static void AddTimes(float[] x, float[] y, float factor)
    {
        for (int i = 0; i < x.Length; i++)
            x[i] += factor * y[i];
    }

    /// <summary>Multiplies vectors by a number.</summary>
    public static void Scale(float[][] x, double factor)
    {
        foreach (float[] row in x)
        {
            for (int i = 0; i < row.Length; i++)
                row[i] *= (float)factor;
        }
    }

    /// <summary>Returns the inner product of two vectors.</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ref float left = ref MemoryMarshal.GetReference(a), right = ref MemoryMarshal.GetReference(b);
        int width = Vector<float>.Count, length = Math.Min(a.Length, b.Length), i = 0;
        // sums that do not wait for one another
        Vector<float> first = default, second = default, third = default, fourth = default;
        for (; i <= length - (4 * width); i += 4 * width)
        {
            first += Load(ref left, i) * Load(ref right, i);
            second += Load(ref left, i + width) * Load(ref right, i + width);
            third += Load(ref left, i + (2 * width)) * Load(ref right, i + (2 * width));
            fourth += Load(ref left, i + (3 * width)) * Load(ref right, i + (3 * width));
        }
        float sum = Vector.Sum(first + second + (third + fourth));
        for (; i < length; i++)
            sum += a[i] * b[i];
        return sum;

        static Vector<float> Load(ref float from, int at) => Vector.LoadUnsafe(ref from, (nuint)at);
    }
}
