using System.ComponentModel.DataAnnotations;
using Atelier.Networks;
using Atelier.Recipes;

namespace Atelier.Models.Seq2Seq;

/// <summary>How a decoder scores the positions of the source.</summary>
public enum Seq2SeqAttention
{
    /// <summary>
    /// No attention: the decoder knows the source only by its initial state (Sutskever et al. 2014).
    /// </summary>
    None,

    /// <summary>The product of the two states (Luong et al. 2015, eq. 8, "dot").</summary>
    Dot,

    /// <summary>
    /// The product of the two states with a matrix between them (Luong et al. 2015, eq. 8, "general").
    /// </summary>
    Multiplicative,

    /// <summary>A network with a hidden layer (Bahdanau et al. 2015, appendix A.1.2).</summary>
    Additive,
}

/// <summary>
/// The configuration of a recurrent encoder and decoder (Sutskever et al. 2014) with attention (Bahdanau et al. 2015).
/// </summary>
/// <remarks>
/// The defaults are Luong's decoder with a multiplicative score and without input feeding. The decoder's states then do
/// not depend on its attention, so that training computes all steps of a layer by one call, and the attention of all
/// steps by two matrix products. With <see cref="InputFeeding"/> or <see cref="Coverage"/> each step waits for the
/// attention of the step before, which makes training several times slower on a CPU. An additive score takes memory for
/// hiddenSize numbers for each pair of a target token and a source token, where the others take one.
/// </remarks>
public sealed record Seq2SeqConfig
{
    /// <summary>The recurrent cell.</summary>
    public CellName Cell { get; init; } = CellName.Gru;

    /// <summary>The number of recurrent layers of the encoder.</summary>
    [Range(1, 100)]
    public int EncoderLayerCount { get; init; } = 1;

    /// <summary>The number of recurrent layers of the decoder.</summary>
    [Range(1, 100)]
    public int DecoderLayerCount { get; init; } = 1;

    /// <summary>
    /// The width of the decoder's state and of an encoded position. Each direction of a bidirectional encoder has half
    /// of it.
    /// </summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 512;

    /// <summary>The width of token embeddings.</summary>
    [Range(1, 1 << 16)]
    public int EmbeddingSize { get; init; } = 256;

    /// <summary>
    /// Whether the encoder also reads each source from its end to its beginning (Schuster and Paliwal 1997).
    /// </summary>
    public bool Bidirectional { get; init; } = true;

    /// <summary>How the decoder scores the positions of the source: none, dot, multiplicative or additive.</summary>
    public Seq2SeqAttention Attention { get; init; } = Seq2SeqAttention.Multiplicative;

    /// <summary>
    /// Whether a step of the decoder also reads the attentional state of the step before (Luong et al. 2015, section
    /// 3.3), so that it knows what was attended to.
    /// </summary>
    public bool InputFeeding { get; init; }

    /// <summary>
    /// Whether additive attention also reads the sum of its weights in earlier steps, so that no part of the source is
    /// repeated or left out (Tu et al. 2016; See et al. 2017, eq. 10 and 11, without their additional loss).
    /// </summary>
    public bool Coverage { get; init; }

    /// <summary>The dropout rate of embeddings, between layers and before the output layer.</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double Dropout { get; init; } = 0.1;

    /// <summary>
    /// Whether the output layer shares the weights of the target embedding (Press and Wolf 2017). The attentional state
    /// then has the width of the embedding instead of the hidden size. Source and target share their embedding if the
    /// data have one vocabulary for both.
    /// </summary>
    public bool TieHead { get; init; } = true;

    /// <summary>
    /// The largest number of tokens of a source, and of a target, with their special tokens. In training, longer ones
    /// are cut.
    /// </summary>
    [Range(2, 1 << 20)]
    public int ContextLength { get; init; } = 256;

    /// <summary>The width of a state of one direction of the encoder.</summary>
    internal int DirectionSize => Bidirectional ? HiddenSize / 2 : HiddenSize;

    /// <summary>The width of the attentional state, which the output layer reads.</summary>
    internal int AttentionalSize => TieHead ? EmbeddingSize : HiddenSize;

    /// <summary>Whether a step of the decoder depends on the attention of the step before.</summary>
    internal bool IsStepwise => InputFeeding || Coverage;

    /// <summary>Checks that the values are consistent.</summary>
    /// <exception cref="AtelierException">The hidden size of a bidirectional encoder is odd, or coverage is set for
    /// attention that is not additive.</exception>
    public void Check()
    {
        if (Bidirectional && HiddenSize % 2 != 0)
            throw new AtelierException($"hiddenSize {HiddenSize} is odd, and a bidirectional encoder has half of it in "
                + "each direction", "model.hiddenSize", $"use {HiddenSize + 1}, or bidirectional: false");
        if (Coverage && Attention != Seq2SeqAttention.Additive)
            throw new AtelierException("coverage is part of additive attention only", "model.coverage",
                "set attention: additive, or coverage: false");
    }

    /// <summary>Computes the number of weights in matrices, to refuse files with fewer.</summary>
    /// <param name="embeddings">The number of tokens that have an embedding.</param>
    /// <param name="vocabularySize">The number of tokens that the output layer predicts.</param>
    internal Int128 ParameterCount(long embeddings, long vocabularySize)
    {
        Int128 embedding = EmbeddingSize, hidden = HiddenSize, attentional = AttentionalSize, direction = DirectionSize;
        int gates = Cell switch { CellName.Lstm => 4, CellName.Gru => 3, _ => 1 };
        return (embeddings * embedding) + (TieHead ? 0 : vocabularySize * attentional)
            + (gates * hidden * (embedding + direction + ((EncoderLayerCount - 1) * (hidden + direction))))
            + (gates * hidden * (embedding + hidden + ((DecoderLayerCount - 1) * 2 * hidden)))
            + (DecoderLayerCount * hidden * hidden) + (attentional * hidden);
    }
}
