using System.ComponentModel.DataAnnotations;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Models.Rnn;

/// <summary>The configuration of a recurrent model: embedding → recurrent layers → output layer.</summary>
public sealed record RnnConfig
{
    /// <summary>The recurrent cell.</summary>
    public CellName Cell { get; init; } = CellName.Lstm;

    /// <summary>The width of token embeddings.</summary>
    [Range(1, 1 << 16)]
    public int EmbeddingSize { get; init; } = 256;

    /// <summary>The width of each layer's hidden state.</summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 512;

    /// <summary>The number of recurrent layers.</summary>
    [Range(1, 100)]
    public int LayerCount { get; init; } = 1;

    /// <summary>
    /// The number of tokens in a training sequence, through which gradients are propagated (truncated backpropagation
    /// through time; Williams and Peng 1990). Scoring and generation have no limit.
    /// </summary>
    [Range(1, 1 << 20)]
    public int ContextLength { get; init; } = 64;

    /// <summary>The dropout rate between layers in training (Zaremba et al. 2014).</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double Dropout { get; init; }

    /// <summary>
    /// Whether the output layer shares the weights of the embedding (Press and Wolf 2017). Embedding and hidden state
    /// must then have the same width.
    /// </summary>
    public bool TieHead { get; init; }

    /// <summary>Checks that the values are consistent.</summary>
    /// <exception cref="AtelierException">The head is tied, but the embedding and the hidden state differ in
    /// width.</exception>
    public void Check()
    {
        if (TieHead && EmbeddingSize != HiddenSize)
        {
            throw new AtelierException(
                $"a tied head needs embeddingSize {EmbeddingSize} and hiddenSize {HiddenSize} to be equal",
                "model.tieHead", $"set embeddingSize: {HiddenSize}, or tieHead: false");
        }
    }
}
