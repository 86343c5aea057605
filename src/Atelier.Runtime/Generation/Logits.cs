using System.Numerics;
using System.Runtime.InteropServices;

namespace Atelier.Generation;

/// <summary>Operations on a row of logits.</summary>
internal static class Logits
{
    /// <summary>The index of the largest, the first of equals.</summary>
    public static int ArgMax(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best])
                best = i;
        }
        return best;
    }

    /// <summary>log Σ exp(logit), without overflow.</summary>
    public static float LogSumExp(ReadOnlySpan<float> logits)
    {
        float highest = logits[ArgMax(logits)];
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var sums = Vector<double>.Zero;
        foreach (Vector<float> vector in vectors)
        {
            Vector.Widen(Vector.Exp(vector - new Vector<float>(highest)), out Vector<double> low,
                out Vector<double> high);
            sums += low + high;
        }
        double sum = Vector.Sum(sums);
        foreach (float logit in logits[(vectors.Length * Vector<float>.Count)..])
            sum += MathF.Exp(logit - highest);
        return (float)(highest + Math.Log(sum));
    }

    /// <summary>The natural logarithm of a token's probability.</summary>
    public static float LogProbability(ReadOnlySpan<float> logits, int id) => logits[id] - LogSumExp(logits);

    /// <summary>Turns logits into weights in proportion to exp(logit / temperature), the largest 1.</summary>
    public static void Exponentiate(Span<float> logits, double temperature)
    {
        float highest = logits[ArgMax(logits)], scale = (float)(1 / temperature);
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        for (int i = 0; i < vectors.Length; i++)
            vectors[i] = Vector.Exp((vectors[i] - new Vector<float>(highest)) * scale);
        foreach (ref float logit in logits[(vectors.Length * Vector<float>.Count)..])
            logit = MathF.Exp((logit - highest) * scale);
    }

    /// <summary>Leaves only the tokens whose bit is set; the others get −∞.</summary>
    /// <exception cref="AtelierException">Of those, none has any probability.</exception>
    public static void Restrict(Span<float> logits, ReadOnlySpan<ulong> allowed)
    {
        bool any = false;
        for (int i = 0; i < logits.Length; i++)
        {
            if (!IsAllowed(allowed, i))
                logits[i] = float.NegativeInfinity;
            else
                any |= !float.IsNegativeInfinity(logits[i]);
        }
        if (!any)
            throw new AtelierException("the model gives probability zero to everything that the constraint allows",
                hint: "start from another series prompt, or loosen the constraint");
    }

    /// <summary>Whether any token that is allowed has a probability above zero.</summary>
    public static bool AnyLeft(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed)
    {
        for (int i = 0; i < logits.Length; i++)
        {
            if (!float.IsNegativeInfinity(logits[i]) && (allowed.IsEmpty || IsAllowed(allowed, i)))
                return true;
        }
        return false;
    }

    /// <summary>Whether a token's bit is set.</summary>
    public static bool IsAllowed(ReadOnlySpan<ulong> allowed, int id) => (allowed[id >> 6] >> (id & 63) & 1) != 0;
}
