namespace Atelier.Generation.Speculative;

/// <summary>
/// The rule by which a model takes or refuses a token that a draft drew, so that what comes out is the model's own
/// distribution.
/// </summary>
internal static class SpeculativeSampling
{
    /// <summary>
    /// Takes x, drawn from q, with probability min(1, p(x) / q(x)), and otherwise draws from max(0, p − q) in
    /// proportion (Leviathan et al. 2023, algorithm 1; Chen et al. 2023, theorem 1).
    /// </summary>
    /// <param name="token">x.</param>
    /// <param name="p">The model's distribution.</param>
    /// <param name="q">The draft's.</param>
    /// <param name="random">Of the sample.</param>
    /// <returns>The token that comes: x where it was taken.</returns>
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
        return last >= 0 ? last : token; // p and q are the same but for rounding: then x itself is a draw from p
    }
}
