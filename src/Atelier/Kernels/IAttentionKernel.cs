namespace Atelier.Kernels;

/// <summary>Causal attention over rows of bf16, softmax(q kᵀ / √size + mask) v (Vaswani et al. 2017, eq. 1).</summary>
internal unsafe interface IAttentionKernel
{
    /// <summary>The forward pass.</summary>
    /// <param name="qkv">Queries, keys and values, [batch · time, <see cref="AttentionLayout.Row"/>].</param>
    /// <param name="mixed">Receives the results, [batch · time, <see cref="AttentionLayout.MixedRow"/>].</param>
    /// <param name="logSums">Receives log Σ exp of each query's scores, [batch, heads, padded time].</param>
    void Forward(ushort* qkv, ushort* mixed, float* logSums);

    /// <summary>The backward pass.</summary>
    /// <param name="qkv">Queries, keys and values.</param>
    /// <param name="mixed">The results of the forward pass.</param>
    /// <param name="logSums">The sums of the forward pass.</param>
    /// <param name="dMixed">The gradient of the results.</param>
    /// <param name="dQkv">Receives the gradient of queries, keys and values.</param>
    void Backward(ushort* qkv, ushort* mixed, float* logSums, ushort* dMixed, ushort* dQkv);
}
