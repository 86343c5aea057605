namespace Atelier.Decoding;

/// <summary>What is asked of a row of logits.</summary>
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
        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - highest);
        return (float)(highest + Math.Log(sum));
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
            throw new AtelierException("the model gives no probability to anything that the constraint allows", hint: "begin with another prompt, or loosen the constraint");
    }

    /// <summary>Whether a token's bit is set.</summary>
    public static bool IsAllowed(ReadOnlySpan<ulong> allowed, int id) => (allowed[id >> 6] >> (id & 63) & 1) != 0;
}
