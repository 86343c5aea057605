using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Models.Layers.Kernels;

/// <summary>
/// The cross-entropy of a row of bf16 logits and its gradient, which takes the logits' place: one reading for the largest,
/// one for the sum, one for the gradient, and nothing in fp32 beyond the registers.
/// </summary>
internal static unsafe class SoftmaxCrossEntropy
{
    private const int Width = 16;

    /// <summary>Whether this processor has the instructions.</summary>
    public static bool IsSupported => Avx512F.IsSupported && Avx512BW.IsSupported;

    /// <summary>
    /// −(1 − s) log p[target] − s/V Σ log p with p = softmax(logits), and its gradient p − (1 − s) 1[target] − s/V times a
    /// factor.
    /// </summary>
    /// <param name="row">V logits in bf16; replaced by the gradient in bf16.</param>
    /// <param name="count">V.</param>
    /// <param name="target">The right one.</param>
    /// <param name="smoothing">s, the share of probability spread over all (Szegedy et al. 2016, section 7).</param>
    /// <param name="factor">What the gradient is multiplied by.</param>
    /// <param name="sum">V numbers that the gradient is added to, in fp32; null where nobody asks.</param>
    /// <returns>The cross-entropy in nats.</returns>
    public static double Replace(ushort* row, int count, long target, double smoothing, float factor, float* sum)
    {
        int whole = count / Width * Width;
        Vector512<float> largest = Vector512.Create(float.NegativeInfinity), total = Vector512<float>.Zero;
        float most = float.NegativeInfinity;
        for (int i = 0; i < whole; i += Width)
            largest = Vector512.Max(largest, Load(row + i));
        for (int i = 0; i < Width; i++)
            most = Math.Max(most, largest[i]);
        for (int i = whole; i < count; i++)
            most = Math.Max(most, ToSingle(row[i]));
        double logits = 0; // their sum, which only smoothing asks for
        for (int i = 0; i < count && smoothing > 0; i++)
            logits += ToSingle(row[i]);
        Vector512<float> shift = Vector512.Create(most);
        for (int i = 0; i < whole; i += Width)
            total += Exp(Load(row + i) - shift);
        double exponentials = Vector512.Sum(total);
        for (int i = whole; i < count; i++)
            exponentials += MathF.Exp(ToSingle(row[i]) - most);
        double normalizer = most + Math.Log(exponentials), right = ToSingle(row[target]); // log Σ exp

        float scale = (float)(factor / exponentials), spread = (float)(factor * smoothing / count);
        Vector512<float> scales = Vector512.Create(scale), spreads = Vector512.Create(spread);
        for (int i = 0; i < whole; i += Width)
            Store(row + i, (Exp(Load(row + i) - shift) * scales) - spreads);
        for (int i = whole; i < count; i++)
            row[i] = FromSingle((MathF.Exp(ToSingle(row[i]) - most) * scale) - spread);
        float probability = (float)Math.Exp(right - normalizer);
        row[target] = FromSingle((factor * (probability - (float)(1 - smoothing))) - spread);
        if (sum is not null)
            Add(row, count, sum);
        return normalizer - ((1 - smoothing) * right) - (smoothing * logits / count);
    }

    /// <summary>sum += row.</summary>
    private static void Add(ushort* row, int count, float* sum)
    {
        int whole = count / Width * Width;
        for (int i = 0; i < whole; i += Width)
            (Vector512.Load(sum + i) + Load(row + i)).Store(sum + i);
        for (int i = whole; i < count; i++)
            sum[i] += ToSingle(row[i]);
    }

    private static Vector512<float> Load(ushort* from) =>
        Vector512.ShiftLeft(Avx512F.ConvertToVector512UInt32(Vector256.Load(from)), 16).AsSingle();

    /// <summary>Rounds to the nearest bf16, ties to even.</summary>
    private static void Store(ushort* to, Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        bits += Vector512.Create(0x7FFFu) + (Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One);
        Avx512F.ConvertToVector256UInt16(Vector512.ShiftRightLogical(bits, 16)).Store(to);
    }

    private static float ToSingle(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    private static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>
    /// exp(x) for x ≤ 0 to about 2 units in the last place: 2ⁿ exp(r) with r = x − n log 2 within ± log(2)/2, where Taylor's
    /// polynomial of degree 7 is as good as fp32.
    /// </summary>
    private static Vector512<float> Exp(Vector512<float> x)
    {
        x = Vector512.Max(x, Vector512.Create(-87f)); // below, fp32 is denormal: as good as 0
        Vector512<float> n = Avx512F.RoundScale(x * Vector512.Create(1.44269504f), 0); // to the nearest whole number
        // log 2 in two parts, so that n times the first is exact (Cody and Waite 1980, chapter 6)
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        Vector512<float> p = Vector512.Create(1 / 5040f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1 / 720f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1 / 120f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1 / 24f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1 / 6f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.5f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        return Avx512F.Scale(p, n);
    }
}
