namespace Atelier.Kernels;

/// <summary>Attention over rows of bf16, softmax(q kᵀ / √size + mask) v (Vaswani et al. 2017, eq. 1).</summary>
internal unsafe interface IAttentionKernel
{
    /// <summary>The forward pass.</summary>
    /// <param name="queries">[batch · time, <see cref="AttentionLayout.QueryRow"/>].</param>
    /// <param name="keys">Keys, then values, [batch · span, <see cref="AttentionLayout.KeyRow"/>]; in self-attention
    /// the place of the first key among the rows of queries.</param>
    /// <param name="mixed">Receives the results, [batch · time, <see cref="AttentionLayout.MixedRow"/>].</param>
    /// <param name="logSums">Receives log Σ exp of each query's scores, [batch, heads, padded time].</param>
    void Forward(ushort* queries, ushort* keys, ushort* mixed, float* logSums);

    /// <summary>The backward pass.</summary>
    /// <param name="queries">As in the forward pass.</param>
    /// <param name="keys">As in the forward pass.</param>
    /// <param name="mixed">The results of the forward pass.</param>
    /// <param name="logSums">The sums of the forward pass.</param>
    /// <param name="dMixed">The gradient of the results.</param>
    /// <param name="dQueries">Receives the gradient of the queries, in rows as theirs.</param>
    /// <param name="dKeys">Receives the gradient of keys and values, in rows as theirs; 0 for padding.</param>
    void Backward(ushort* queries, ushort* keys, ushort* mixed, float* logSums, ushort* dMixed, ushort* dQueries,
        ushort* dKeys);
}
