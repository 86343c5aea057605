using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// The cross-entropy of a row of bf16 logits and its gradient, which takes the logits' place: one reading for the
/// largest, one for the exponentials and their sum, one for the gradient; of fp32 no more than one row is held.
/// </summary>
internal static unsafe class SoftmaxCrossEntropy
{
    private const int Width = Bf16.Lanes;

    /// <summary>
    /// −(1 − s) log p[target] − s/V Σ log p with p = softmax(logits), and its gradient p − (1 − s) 1[target] − s/V
    /// times a factor.
    /// </summary>
    /// <param name="row">V logits in bf16; replaced by the gradient in bf16.</param>
    /// <param name="count">V.</param>
    /// <param name="target">The right one.</param>
    /// <param name="smoothing">s, the share of probability spread over all (Szegedy et al. 2016, section 7).</param>
    /// <param name="factor">What the gradient is multiplied by.</param>
    /// <param name="scratch">Room for V numbers.</param>
    /// <param name="sum">V numbers that the gradient is added to, in fp32; null where nobody asks.</param>
    /// <returns>The cross-entropy in nats.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Replace(ushort* row, int count, long target, double smoothing, float factor, float* scratch,
        float* sum)
    {
        int whole = count / Width * Width;
        Vector512<float> largest = Vector512.Create(float.NegativeInfinity), total = Vector512<float>.Zero;
        float most = float.NegativeInfinity;
        for (int i = 0; i < whole; i += Width)
            largest = Vector512.Max(largest, Bf16.Load(row + i));
        for (int i = 0; i < Width; i++)
            most = Math.Max(most, largest[i]);
        for (int i = whole; i < count; i++)
            most = Math.Max(most, Bf16.ToSingle(row[i]));
        double logits = smoothing > 0 ? Sum(row, count) : 0; // which only smoothing reads
        Vector512<float> shift = Vector512.Create(most);
        for (int i = 0; i < whole; i += Width)
        {
            Vector512<float> exponential = VectorMath.Exp(Bf16.Load(row + i) - shift);
            exponential.Store(scratch + i);
            total += exponential;
        }
        double exponentials = Vector512.Sum(total);
        for (int i = whole; i < count; i++)
        {
            scratch[i] = MathF.Exp(Bf16.ToSingle(row[i]) - most);
            exponentials += scratch[i];
        }
        double normalizer = most + Math.Log(exponentials), right = Bf16.ToSingle(row[target]); // log Σ exp

        float scale = (float)(factor / exponentials), spread = (float)(factor * smoothing / count);
        Vector512<float> scales = Vector512.Create(scale), spreads = Vector512.Create(spread);
        for (int i = 0; i < whole; i += Width)
            Bf16.Store(row + i, (Vector512.Load(scratch + i) * scales) - spreads);
        for (int i = whole; i < count; i++)
            row[i] = Bf16.FromSingle((scratch[i] * scale) - spread);
        float probability = (float)Math.Exp(right - normalizer);
        row[target] = Bf16.FromSingle((factor * (probability - (float)(1 - smoothing))) - spread);
        if (sum is not null)
            Add(row, count, sum);
        return normalizer - ((1 - smoothing) * right) - (smoothing * logits / count);
    }

    /// <summary>Returns the sum of a row.</summary>
    private static double Sum(ushort* row, int count)
    {
        int whole = count / Width * Width;
        Vector512<float> total = Vector512<float>.Zero;
        for (int i = 0; i < whole; i += Width)
            total += Bf16.Load(row + i);
        double sum = Vector512.Sum(total);
        for (int i = whole; i < count; i++)
            sum += Bf16.ToSingle(row[i]);
        return sum;
    }

    /// <summary>sum += row.</summary>
    public static void Add(ushort* row, int count, float* sum)
    {
        int whole = count / Width * Width;
        for (int i = 0; i < whole; i += Width)
            (Vector512.Load(sum + i) + Bf16.Load(row + i)).Store(sum + i);
        for (int i = whole; i < count; i++)
            sum[i] += Bf16.ToSingle(row[i]);
    }
}
