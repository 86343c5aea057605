using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// The cross-entropy of two predictions of a target and their symmetric divergence (R-Drop: Liang et al. 2021, eq. 2 to
/// 4), with the gradients, which take the place of the logits.
/// </summary>
internal static unsafe class RDropCrossEntropy
{
    private const int Width = Bf16.Lanes;
    private const float Never = -1e4f; // a logit without probability

    /// <summary>The room that <see cref="Replace"/> needs for a number of logits.</summary>
    public static int ScratchOf(int count) => 4 * Padded(count);

    /// <summary>
    /// CE(p) + CE(q) + c (KL(p‖q) + KL(q‖p)) with p = softmax(x), q = softmax(y) and the smoothed cross-entropies of
    /// <see cref="SoftmaxCrossEntropy"/>, and its gradients times a factor. Of the divergences, with
    /// d = log p − log q, that of x is c ((p − q) + p (d − KL(p‖q))).
    /// </summary>
    /// <param name="x">V logits in bf16; replaced by their gradient in bf16.</param>
    /// <param name="y">V logits of the same target; replaced likewise.</param>
    /// <param name="count">V.</param>
    /// <param name="target">The index of the target.</param>
    /// <param name="smoothing">The share of probability that is spread over all.</param>
    /// <param name="weight">c.</param>
    /// <param name="factor">What the gradients are multiplied by.</param>
    /// <param name="scratch">Room for <see cref="ScratchOf"/> numbers.</param>
    /// <returns>The loss in nats.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Replace(ushort* x, ushort* y, int count, long target, double smoothing, double weight,
        float factor, float* scratch)
    {
        int padded = Padded(count);
        float* a = scratch, b = a + padded, p = b + padded, q = p + padded;
        Widen(x, count, a);
        Widen(y, count, b);
        double normalizerOfX = Softmax(a, padded, p), normalizerOfY = Softmax(b, padded, q);
        float between = (float)(normalizerOfY - normalizerOfX);
        Vector512<float> shift = Vector512.Create(between), pd = Vector512<float>.Zero, qd = pd, sumA = pd, sumB = pd;
        for (int i = 0; i < padded; i += Width)
        {
            Vector512<float> first = Vector512.Load(a + i), second = Vector512.Load(b + i);
            Vector512<float> d = first - second + shift; // log p − log q
            pd = Vector512.FusedMultiplyAdd(Vector512.Load(p + i), d, pd);
            qd = Vector512.FusedMultiplyAdd(Vector512.Load(q + i), d, qd);
            (sumA, sumB) = (sumA + first, sumB + second);
        }
        double forward = Vector512.Sum(pd), backward = -Vector512.Sum(qd); // KL(p‖q), KL(q‖p)
        double unused = (double)Never * (padded - count), keep = 1 - smoothing;
        double loss = normalizerOfX + normalizerOfY - (keep * ((double)a[target] + b[target]))
            - (smoothing / count * (Vector512.Sum(sumA) + Vector512.Sum(sumB) - (2 * unused)));

        var factors = Vector512.Create(factor);
        var weights = Vector512.Create((float)(factor * weight));
        var spread = Vector512.Create((float)(factor * smoothing / count));
        Vector512<float> ofX = Vector512.Create((float)forward), ofY = Vector512.Create((float)backward);
        for (int i = 0; i < padded; i += Width)
        {
            Vector512<float> pi = Vector512.Load(p + i), qi = Vector512.Load(q + i);
            Vector512<float> d = Vector512.Load(a + i) - Vector512.Load(b + i) + shift;
            ((pi * factors) - spread + (weights * (pi - qi + (pi * (d - ofX))))).Store(p + i);
            ((qi * factors) - spread + (weights * (qi - pi - (qi * (d + ofY))))).Store(q + i);
        }
        p[target] -= (float)(factor * keep);
        q[target] -= (float)(factor * keep);
        Round(p, count, x);
        Round(q, count, y);
        return loss + (weight * (forward + backward));
    }

    private static int Padded(int count) => (count + Width - 1) / Width * Width;

    private static void Widen(ushort* from, int count, float* to)
    {
        int i = 0;
        for (; i + Width <= count; i += Width)
            Bf16.Load(from + i).Store(to + i);
        for (; i < count; i++)
            to[i] = Bf16.ToSingle(from[i]);
        for (; i % Width != 0; i++)
            to[i] = Never;
    }

    private static void Round(float* from, int count, ushort* to)
    {
        int i = 0;
        for (; i + Width <= count; i += Width)
            Bf16.Store(to + i, Vector512.Load(from + i));
        for (; i < count; i++)
            to[i] = Bf16.FromSingle(from[i]);
    }

    /// <summary>Computes probabilities, and returns log Σ exp of the logits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Softmax(float* logits, int padded, float* probabilities)
    {
        Vector512<float> largest = Vector512.Load(logits), total = Vector512<float>.Zero;
        for (int i = Width; i < padded; i += Width)
            largest = Vector512.Max(largest, Vector512.Load(logits + i));
        float most = largest[0];
        for (int i = 1; i < Width; i++)
            most = Math.Max(most, largest[i]);
        Vector512<float> shift = Vector512.Create(most);
        for (int i = 0; i < padded; i += Width)
        {
            Vector512<float> exponential = VectorMath.Exp(Vector512.Load(logits + i) - shift);
            exponential.Store(probabilities + i);
            total += exponential;
        }
        double sum = Vector512.Sum(total);
        Vector512<float> scale = Vector512.Create((float)(1 / sum));
        for (int i = 0; i < padded; i += Width)
            (Vector512.Load(probabilities + i) * scale).Store(probabilities + i);
        return most + Math.Log(sum);
    }
}
