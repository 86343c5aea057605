using System.ComponentModel.DataAnnotations;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Runs;

namespace Atelier.Models.Rnn;

/// <summary>The shape of a recurrent model: embedding → recurrent layers → dense.</summary>
public sealed record RnnConfig
{
    /// <summary>The kind of cell.</summary>
    public CellName Cell { get; init; } = CellName.Lstm;

    /// <summary>The width of a token's vector.</summary>
    [Range(1, 1 << 16)]
    public int EmbeddingSize { get; init; } = 256;

    /// <summary>The width of a layer's state.</summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 512;

    /// <summary>Recurrent layers, one on another.</summary>
    [Range(1, 100)]
    public int LayerCount { get; init; } = 1;

    /// <summary>
    /// Tokens in a training row: gradients go back so far (Williams and Peng 1990). Reading and writing have no limit.
    /// </summary>
    [Range(1, 1 << 20)]
    public int ContextLength { get; init; } = 64;

    /// <summary>The share of activations dropped between layers in training (Zaremba et al. 2014).</summary>
    [Range(0.0, 0.999)]
    public double Dropout { get; init; }

    /// <summary>
    /// Whether the head shares the embedding's weights (Press and Wolf 2017); embedding and state must be as wide.
    /// </summary>
    public bool TieHead { get; init; }

    /// <summary>Throws where the parts do not fit together.</summary>
    /// <exception cref="AtelierException">The head is tied, and the widths differ.</exception>
    public void Check()
    {
        if (TieHead && EmbeddingSize != HiddenSize)
        {
            throw new AtelierException(
                $"a tied head needs embeddingSize {EmbeddingSize} and hiddenSize {HiddenSize} to be equal",
                "model.tieHead", $"take embeddingSize: {HiddenSize}, or tieHead: false");
        }
    }
}
