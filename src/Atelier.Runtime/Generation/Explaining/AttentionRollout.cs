namespace Atelier.Generation.Explaining;

/// <summary>Attention rollout (Abnar and Zuidema 2020).</summary>
internal static class AttentionRollout
{
    /// <summary>
    /// Computes A(l) · … · A(1) with A = ½ W + ½ I, where W is the mean of a layer's heads and I is the residual
    /// connection (eq. 1).
    /// </summary>
    /// <param name="weights">The weights of attention by layer, [heads, tokens, tokens].</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="cancellation">Cancels before the next layer.</param>
    /// <returns>The rollout, [queries, keys].</returns>
    public static float[] Of(IReadOnlyList<float[]> weights, int heads, int tokens, CancellationToken cancellation)
    {
        float[] rollout = new float[tokens * tokens], mean = new float[tokens * tokens];
        for (int i = 0; i < tokens; i++)
            rollout[i * tokens + i] = 1;
        foreach (float[] layer in weights)
        {
            cancellation.ThrowIfCancellationRequested();
            mean.AsSpan().Clear();
            for (int at = 0; at < layer.Length; at++)
                mean[at % mean.Length] += layer[at] / heads;
            float[] next = new float[rollout.Length];
            for (int i = 0; i < tokens; i++)
            {
                for (int k = 0; k < tokens; k++)
                {
                    float factor = (mean[i * tokens + k] + (i == k ? 1 : 0)) / 2;
                    if (factor == 0)
                        continue; // half of a causal matrix
                    for (int j = 0; j < tokens; j++)
                        next[i * tokens + j] += factor * rollout[k * tokens + j];
                }
            }
            rollout = next;
        }
        return rollout;
    }
}
