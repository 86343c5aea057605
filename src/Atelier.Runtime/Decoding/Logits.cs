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
}
