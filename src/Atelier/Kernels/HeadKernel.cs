using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Kernels.Gemm;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// Copies one head between its place in rows of bf16 and an fp32 matrix of its own, [padded time, size], and applies
/// rotary positions.
/// </summary>
/// <param name="time">Places.</param>
/// <param name="padded">Rows of the matrix; those after the last place are zero.</param>
/// <param name="size">The width of a head, a multiple of sixteen; of thirty-two where it is turned.</param>
internal readonly unsafe struct HeadKernel(int time, int padded, int size)
{
    private const int Lanes = Bf16.Lanes;

    /// <summary>Reads a head.</summary>
    /// <param name="from">The head in the first row.</param>
    /// <param name="row">From one row to the next.</param>
    /// <param name="to">The matrix.</param>
    /// <param name="scale">Multiplies every number.</param>
    /// <param name="turn">The tables of angles, or none.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read(ushort* from, long row, float* to, float scale, in RotaryTables turn)
    {
        Vector512<float> factor = Vector512.Create(scale);
        int half = size / 2;
        for (int t = 0; t < time; t++, from += row, to += size)
        {
            if (turn.IsEmpty)
            {
                for (int i = 0; i < size; i += Lanes)
                    (Bf16.Load(from + i) * factor).Store(to + i);
                continue;
            }
            float* cosine = turn.Cosine + ((long)t * size), sine = turn.Sine + ((long)t * size);
            for (int i = 0, j = half; i < half; i += Lanes, j += Lanes)
            {
                Vector512<float> first = Bf16.Load(from + i) * factor, second = Bf16.Load(from + j) * factor;
                ((first * Vector512.Load(cosine + i)) + (second * Vector512.Load(sine + i))).Store(to + i);
                ((second * Vector512.Load(cosine + j)) + (first * Vector512.Load(sine + j))).Store(to + j);
            }
        }
        new Span<float>(to, (padded - time) * size).Clear();
    }

    /// <summary>
    /// Writes a head; where <see cref="Read"/> turned it, this turns back, which is what a gradient asks for.
    /// </summary>
    /// <param name="from">The matrix.</param>
    /// <param name="to">The head in the first row.</param>
    /// <param name="row">From one row to the next.</param>
    /// <param name="scale">Multiplies every number.</param>
    /// <param name="turn">The tables of angles, or none.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write(float* from, ushort* to, long row, float scale, in RotaryTables turn)
    {
        Vector512<float> factor = Vector512.Create(scale);
        int half = size / 2;
        for (int t = 0; t < time; t++, from += size, to += row)
        {
            if (turn.IsEmpty)
            {
                for (int i = 0; i < size; i += Lanes)
                    Bf16.Store(to + i, Vector512.Load(from + i) * factor);
                continue;
            }
            float* cosine = turn.Cosine + ((long)t * size), sine = turn.Sine + ((long)t * size);
            for (int i = 0, j = half; i < half; i += Lanes, j += Lanes)
            {
                Vector512<float> first = Vector512.Load(from + i) * factor, second = Vector512.Load(from + j) * factor;
                Bf16.Store(to + i, (first * Vector512.Load(cosine + i)) + (second * Vector512.Load(sine + j)));
                Bf16.Store(to + j, (second * Vector512.Load(cosine + j)) + (first * Vector512.Load(sine + i)));
            }
        }
    }

    /// <summary>[padded, size] → [size, padded], sixteen by sixteen numbers at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Transpose(float* from, float* to)
    {
        for (int t = 0; t < padded; t += Lanes)
        {
            for (int i = 0; i < size; i += Lanes)
                SquareTranspose.Run((uint*)(from + ((long)t * size) + i), size, (uint*)(to + ((long)i * padded) + t),
                    padded);
        }
    }
}
