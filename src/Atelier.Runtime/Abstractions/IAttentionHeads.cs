namespace Atelier.Abstractions;

/// <summary>A head of a network with attention.</summary>
/// <param name="Layer">The number of its layer, from 0.</param>
/// <param name="Head">Its number in the layer, from 0.</param>
public readonly record struct AttentionHead(int Layer, int Head);

/// <summary>
/// A capability: a causal model of tokens that shows the attention of its heads, and scores tokens with a head ablated.
/// Safe for concurrent use.
/// </summary>
public interface IAttentionHeads
{
    /// <summary>Number of layers.</summary>
    int LayerCount { get; }

    /// <summary>Number of heads in a layer.</summary>
    int HeadCount { get; }

    /// <summary>
    /// Scores sequences like <see cref="ILanguageModel.Score"/>, with the output of a head set to zero at every
    /// position, before the output projection of its layer (Michel et al. 2019, eq. 1). Steps of other sequences wait
    /// meanwhile.
    /// </summary>
    /// <param name="head">The head.</param>
    /// <param name="sequences">The sequences, each of 1 to the context length + 1 tokens.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head.</exception>
    IReadOnlyList<TokenScore[]> ScoreWithout(AttentionHead head, IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default);

    /// <summary>
    /// Returns the weights of attention of a sequence by layer, [heads, queries, keys]. Those of a query in a head sum
    /// to 1.
    /// </summary>
    /// <param name="tokens">The tokens, from 1 to the context length.</param>
    IReadOnlyList<float[]> Attention(ReadOnlyMemory<int> tokens);
}
