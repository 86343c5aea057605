namespace Atelier.Networks;

/// <summary>
/// The configuration of an encoder-decoder Transformer (Vaswani et al. 2017): Marian, BART (Lewis et al. 2020), T5
/// (Raffel et al. 2020) and combinations of their parts.
/// </summary>
public sealed record EncoderDecoderConfig
{
    private const int Largest = 1 << 24;

    /// <summary>Number of token ids of sources.</summary>
    public required int SourceVocabularySize { get; init; }

    /// <summary>Number of token ids of targets.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Whether sources and targets share one vocabulary and its embedding.</summary>
    public bool SharesEmbedding { get; init; } = true;

    /// <summary>The largest number of tokens of a source, and of a target, with their special tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Number of blocks of the encoder.</summary>
    public required int EncoderLayerCount { get; init; }

    /// <summary>Number of blocks of the decoder.</summary>
    public required int DecoderLayerCount { get; init; }

    /// <summary>The width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Number of heads in a block.</summary>
    public required int HeadCount { get; init; }

    /// <summary>The width of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>The inner width of a feed-forward layer.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>The activation function of the feed-forward layers.</summary>
    public ActivationName Activation { get; init; } = ActivationName.Relu;

    /// <summary>The normalisation.</summary>
    public NormName Norm { get; init; } = NormName.Layer;

    /// <summary>The number that norms add to the variance or to the mean square.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>
    /// Whether norms come before the layers, with another one after the last block, instead of after the sums.
    /// </summary>
    public bool NormFirst { get; init; }

    /// <summary>Whether linear layers and norms have biases.</summary>
    public bool HasBias { get; init; } = true;

    /// <summary>The encoding of positions: learned or sinusoidal; null for <see cref="Relative"/> ones.</summary>
    public PositionName? Positions { get; init; }

    /// <summary>The row of the learned positions for the first token: 2 for BART.</summary>
    public int PositionOffset { get; init; }

    /// <summary>The biases of self-attention by distance; null without them.</summary>
    public RelativePositions? Relative { get; init; }

    /// <summary>Whether the sum of embeddings and positions is normalised.</summary>
    public bool EmbeddingNorm { get; init; }

    /// <summary>Whether embeddings are multiplied by √hiddenSize before positions are added.</summary>
    public bool ScaleEmbedding { get; init; }

    /// <summary>Whether scores of attention are multiplied by 1/√headSize.</summary>
    public bool ScaleScores { get; init; } = true;

    /// <summary>Whether the output of the decoder is multiplied by 1/√hiddenSize before the output layer.</summary>
    public bool ScaleOutput { get; init; }

    /// <summary>Whether the output layer shares the weights of the target embedding.</summary>
    public bool TieHead { get; init; } = true;

    /// <summary>The shape of the blocks.</summary>
    internal StackShape Shape => new(HiddenSize, HeadCount, HeadSize, FeedForwardSize)
    {
        Activation = Activation,
        Norm = Norm,
        NormEpsilon = NormEpsilon,
        NormFirst = NormFirst,
    };

    /// <summary>The factor of scores.</summary>
    internal float ScoreScale => ScaleScores ? 1 / MathF.Sqrt(HeadSize) : 1;

    /// <summary>Throws if the values are out of range or inconsistent.</summary>
    /// <param name="where">The file to name in errors.</param>
    /// <exception cref="AtelierException">A value is out of range, or two values are inconsistent.</exception>
    public void Check(string? where = null)
    {
        foreach ((string name, int value) in ((string, int)[])
        [
            ("vocabulary size of sources", SourceVocabularySize), ("vocabulary size", VocabularySize),
            ("context length", ContextLength), ("number of encoder layers", EncoderLayerCount),
            ("number of decoder layers", DecoderLayerCount), ("hidden size", HiddenSize), ("head count", HeadCount),
            ("head size", HeadSize), ("feed-forward size", FeedForwardSize), ("position offset", PositionOffset + 1),
        ])
        {
            if (value is < 1 or > Largest)
                throw Wrong($"the {name} is {value}", "allowed: 1 to 16777216");
        }
        if (!(NormEpsilon is >= 0 and < 1))
            throw Wrong($"norm epsilon {NormEpsilon} is impossible", "allowed: 0 to 1");
        if ((long)HeadCount * HeadSize > Largest)
            throw Wrong($"{HeadCount} heads of {HeadSize} are too wide", "download or export the model again");
        if (SharesEmbedding && SourceVocabularySize != VocabularySize)
            throw Wrong($"{SourceVocabularySize} tokens of sources and {VocabularySize} of targets cannot share an "
                + "embedding", "download or export the model again");
        if (Positions == PositionName.Rotary || Positions is null == Relative is null)
            throw Wrong("positions must be learned, sinusoidal or relative", "use one of them");
        if (Relative is { } relative && (relative.Buckets is < 4 or > 1 << 12 || relative.Buckets % 4 != 0
            || relative.Distance <= relative.Buckets / 2))
            throw Wrong($"{relative.Buckets} relative position buckets up to a distance of {relative.Distance} are "
                + "impossible", "use a multiple of 4, and a distance of more than half of them");

        AtelierException Wrong(string what, string hint) => new(what, where, hint);
    }
}
