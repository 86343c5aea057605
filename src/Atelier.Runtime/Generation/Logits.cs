using System.Numerics;
using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Generation;

/// <summary>Operations on a row of logits.</summary>
internal static class Logits
{
    /// <summary>Returns the index of the largest logit; of equal ones, the first.</summary>
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

    /// <summary>Returns the largest logit.</summary>
    public static float Max(ReadOnlySpan<float> logits)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var lanes = new Vector<float>(float.NegativeInfinity);
        foreach (Vector<float> vector in vectors)
            lanes = Vector.Max(lanes, vector);
        float highest = float.NegativeInfinity;
        for (int i = 0; i < Vector<float>.Count; i++)
            highest = Math.Max(highest, lanes[i]);
        foreach (float logit in logits[(vectors.Length * Vector<float>.Count)..])
            highest = Math.Max(highest, logit);
        return highest;
    }

    /// <summary>Returns log Σ exp(logit), computed without overflow.</summary>
    public static unsafe float LogSumExp(ReadOnlySpan<float> logits)
    {
        fixed (float* first = logits)
            return (float)KernelPath.Best.LogSumExp(first, logits.Length);
    }

    /// <summary>Returns the log-probability of a token, in nats.</summary>
    public static float LogProbability(ReadOnlySpan<float> logits, int id) => logits[id] - LogSumExp(logits);

    /// <summary>Returns the most probable tokens, from the most probable on; of equal ones, the first.</summary>
    /// <param name="logits">The logits of one sample, [vocabulary].</param>
    /// <param name="count">The number of tokens; at most all of them are returned.</param>
    public static TokenChoice[] MostProbable(ReadOnlySpan<float> logits, int count)
    {
        float normaliser = LogSumExp(logits);
        var best = new List<TokenChoice>(count + 1);
        for (int id = 0; id < logits.Length; id++)
        {
            float logProbability = logits[id] - normaliser;
            if (best.Count == count && logProbability <= best[^1].LogProbability)
                continue;
            int place = best.Count;
            while (place > 0 && best[place - 1].LogProbability < logProbability)
                place--;
            best.Insert(place, new TokenChoice(id, logProbability));
            if (best.Count > count)
                best.RemoveAt(count);
        }
        return [.. best];
    }

    /// <summary>
    /// Replaces logits by unnormalised probabilities, exp(logit / temperature) scaled so that the largest is 1.
    /// </summary>
    public static void Exponentiate(Span<float> logits, double temperature)
    {
        float highest = Max(logits), scale = (float)(1 / temperature);
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        for (int i = 0; i < vectors.Length; i++)
            vectors[i] = Vector.Exp((vectors[i] - new Vector<float>(highest)) * scale);
        foreach (ref float logit in logits[(vectors.Length * Vector<float>.Count)..])
            logit = MathF.Exp((logit - highest) * scale);
    }

    /// <summary>Sets the logits of all tokens whose bit is not set to −∞.</summary>
    /// <exception cref="AtelierException">No allowed token has a probability above 0.</exception>
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
            throw NothingLeft();
    }

    /// <summary>Returns the error of a text that no token can continue.</summary>
    public static AtelierException NothingLeft() =>
        new("the model gives probability zero to everything that the constraint allows",
            hint: "start from another series prompt, or loosen the constraint");

    /// <summary>
    /// Returns whether any allowed token has a probability above 0. All tokens are allowed if no bits are given.
    /// </summary>
    public static bool AnyLeft(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed)
    {
        for (int i = 0; i < logits.Length; i++)
        {
            if (!float.IsNegativeInfinity(logits[i]) && (allowed.IsEmpty || IsAllowed(allowed, i)))
                return true;
        }
        return false;
    }

    /// <summary>Returns whether the bit of a token is set.</summary>
    public static bool IsAllowed(ReadOnlySpan<ulong> allowed, int id) => (allowed[id >> 6] >> (id & 63) & 1) != 0;
}
