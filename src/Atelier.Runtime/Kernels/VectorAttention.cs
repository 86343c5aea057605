using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>
/// The products of attention for one query: with keys and values that follow one another, or that are part of tokens in
/// different places.
/// </summary>
internal static unsafe class VectorAttention<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    /// <summary>Computes scores[j] = scale · q · keys[j].</summary>
    [MethodImpl(Hot)]
    public static void Scores(float* query, float* keys, int count, int size, float scale, float* scores)
    {
        int whole = size / TLanes.Count * TLanes.Count, j = 0;
        for (; j + 4 <= count; j += 4)
        {
            float* k0 = keys + (long)j * size, k1 = k0 + size, k2 = k1 + size, k3 = k2 + size;
            TVector a0 = TLanes.Broadcast(0), a1 = a0, a2 = a0, a3 = a0;
            for (int i = 0; i < whole; i += TLanes.Count)
            {
                TVector q = TLanes.Load(query + i);
                a0 = TLanes.MultiplyAdd(q, TLanes.Load(k0 + i), a0);
                a1 = TLanes.MultiplyAdd(q, TLanes.Load(k1 + i), a1);
                a2 = TLanes.MultiplyAdd(q, TLanes.Load(k2 + i), a2);
                a3 = TLanes.MultiplyAdd(q, TLanes.Load(k3 + i), a3);
            }
            Vector128<float> sums = TLanes.Sums(a0, a1, a2, a3);
            for (int i = whole; i < size; i++)
                sums += Vector128.Create(query[i] * k0[i], query[i] * k1[i], query[i] * k2[i], query[i] * k3[i]);
            (sums * scale).Store(scores + j);
        }
        for (; j < count; j++)
            scores[j] = Dot(query, keys + (long)j * size, size) * scale;
    }

    /// <inheritdoc cref="KernelPath.ScoresAt"/>
    [MethodImpl(Hot)]
    public static void ScoresAt(float* query, float** tokens, long offset, int count, int size, float scale,
        float* scores)
    {
        for (int j = 0; j < count; j++)
            scores[j] = Dot(query, tokens[j] + offset, size) * scale;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Dot(float* x, float* y, int size)
    {
        int whole = size / TLanes.Count * TLanes.Count;
        TVector sum = TLanes.Broadcast(0);
        for (int i = 0; i < whole; i += TLanes.Count)
            sum = TLanes.MultiplyAdd(TLanes.Load(x + i), TLanes.Load(y + i), sum);
        float total = TLanes.Sum(sum);
        for (int i = whole; i < size; i++)
            total += x[i] * y[i];
        return total;
    }

    /// <summary>Computes y += Σ p[j] values[j], where p are the weights.</summary>
    [MethodImpl(Hot)]
    public static void AddWeighted(float* weights, float* values, int count, int size, float* y)
    {
        int i = 0;
        for (; i + 4 * TLanes.Count <= size; i += 4 * TLanes.Count)
        {
            TVector a0 = TLanes.Load(y + i), a1 = TLanes.Load(y + i + TLanes.Count);
            TVector a2 = TLanes.Load(y + i + 2 * TLanes.Count), a3 = TLanes.Load(y + i + 3 * TLanes.Count);
            float* v = values + i;
            for (int j = 0; j < count; j++, v += size)
            {
                TVector p = TLanes.Broadcast(weights[j]);
                a0 = TLanes.MultiplyAdd(p, TLanes.Load(v), a0);
                a1 = TLanes.MultiplyAdd(p, TLanes.Load(v + TLanes.Count), a1);
                a2 = TLanes.MultiplyAdd(p, TLanes.Load(v + 2 * TLanes.Count), a2);
                a3 = TLanes.MultiplyAdd(p, TLanes.Load(v + 3 * TLanes.Count), a3);
            }
            TLanes.Store(a0, y + i);
            TLanes.Store(a1, y + i + TLanes.Count);
            TLanes.Store(a2, y + i + 2 * TLanes.Count);
            TLanes.Store(a3, y + i + 3 * TLanes.Count);
        }
        for (; i + TLanes.Count <= size; i += TLanes.Count)
        {
            TVector sum = TLanes.Load(y + i);
            for (int j = 0; j < count; j++)
                sum = TLanes.MultiplyAdd(TLanes.Broadcast(weights[j]), TLanes.Load(values + (long)j * size + i), sum);
            TLanes.Store(sum, y + i);
        }
        for (; i < size; i++)
        {
            for (int j = 0; j < count; j++)
                y[i] += weights[j] * values[(long)j * size + i];
        }
    }

    /// <inheritdoc cref="KernelPath.MixAt"/>
    [MethodImpl(Hot)]
    public static void MixAt(float* weights, float** tokens, long offset, int count, int size, float* y)
    {
        int i = 0;
        for (; i + 2 * TLanes.Count <= size; i += 2 * TLanes.Count)
        {
            TVector a0 = TLanes.Broadcast(0), a1 = a0;
            for (int j = 0; j < count; j++)
            {
                float* value = tokens[j] + offset + i;
                TVector p = TLanes.Broadcast(weights[j]);
                a0 = TLanes.MultiplyAdd(p, TLanes.Load(value), a0);
                a1 = TLanes.MultiplyAdd(p, TLanes.Load(value + TLanes.Count), a1);
            }
            TLanes.Store(a0, y + i);
            TLanes.Store(a1, y + i + TLanes.Count);
        }
        for (; i + TLanes.Count <= size; i += TLanes.Count)
        {
            TVector sum = TLanes.Broadcast(0);
            for (int j = 0; j < count; j++)
                sum = TLanes.MultiplyAdd(TLanes.Broadcast(weights[j]), TLanes.Load(tokens[j] + offset + i), sum);
            TLanes.Store(sum, y + i);
        }
        for (; i < size; i++)
        {
            float sum = 0;
            for (int j = 0; j < count; j++)
                sum += weights[j] * tokens[j][offset + i];
            y[i] = sum;
        }
    }
}
