namespace Atelier.Generation.Speculative;

/// <summary>
/// The rule that accepts or rejects a token drawn from a draft model, so that the resulting token has the model's own
/// distribution.
/// </summary>
internal static class SpeculativeSampling
{
    /// <summary>
    /// Accepts x, drawn from q, with probability min(1, p(x) / q(x)). Otherwise it draws a token in proportion to
    /// max(0, p − q) (Leviathan et al. 2023, algorithm 1; Chen et al. 2023, theorem 1).
    /// </summary>
    /// <param name="token">The proposed token x.</param>
    /// <param name="p">The model's distribution.</param>
    /// <param name="q">The draft model's distribution.</param>
    /// <param name="random">The random stream of the sample.</param>
    /// <returns>The resulting token: x if it was accepted.</returns>
    public static int Choose(int token, ReadOnlySpan<float> p, ReadOnlySpan<float> q, ref SplitMix64 random)
    {
        if (random.NextDouble() * q[token] < p[token])
            return token;
        double total = 0;
        for (int i = 0; i < p.Length; i++)
            total += Math.Max(0, p[i] - q[i]);
        double left = random.NextDouble() * total;
        int last = -1;
        for (int i = 0; i < p.Length; i++)
        {
            float share = Math.Max(0, p[i] - q[i]);
            if (share <= 0)
                continue;
            last = i;
            left -= share;
            if (left < 0)
                break;
        }
        return last >= 0 ? last : token; // p and q are equal up to rounding: then x itself is a draw from p
    }
}
