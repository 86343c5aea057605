namespace Atelier.Networks;

/// <summary>
/// The configuration of a Transformer encoder whose norms follow its residual connections: BERT (Devlin et al. 2019)
/// and RoBERTa (Liu et al. 2019).
/// </summary>
public sealed record EncoderConfig
{
    private const int Largest = 1 << 24;

    /// <summary>Number of token ids.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The largest number of tokens in a sequence, special tokens included.</summary>
    public required int ContextLength { get; init; }

    /// <summary>
    /// The row of the position embedding for the first token: 0 for BERT, and the padding token's id + 1 for RoBERTa.
    /// </summary>
    public int PositionOffset { get; init; }

    /// <summary>Number of token types (segments): 2 for BERT, 1 for RoBERTa.</summary>
    public int TypeCount { get; init; } = 1;

    /// <summary>The width of the hidden states.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Number of heads in a block. It must divide <see cref="HiddenSize"/>.</summary>
    public required int HeadCount { get; init; }

    /// <summary>The inner width of a feed-forward layer.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>The number that norms add to the variance.</summary>
    public double NormEpsilon { get; init; } = 1e-12;

    /// <summary>The activation function of the feed-forward layers: GELU or ReLU.</summary>
    public ActivationName Activation { get; init; } = ActivationName.Gelu;

    /// <summary>The width of a head.</summary>
    public int HeadSize => HiddenSize / HeadCount;

    /// <summary>Throws if the values are out of range or inconsistent.</summary>
    /// <param name="where">The file to name in errors.</param>
    /// <exception cref="AtelierException">A value is out of range, or two values are inconsistent.</exception>
    public void Check(string? where = null)
    {
        foreach ((string name, int value) in ((string, int)[])
        [
            ("vocabulary size", VocabularySize), ("context length", ContextLength), ("number of types", TypeCount),
            ("hidden size", HiddenSize), ("layer count", LayerCount), ("head count", HeadCount),
            ("feed-forward size", FeedForwardSize), ("position offset", PositionOffset + 1),
        ])
        {
            if (value is < 1 or > Largest)
                throw Wrong($"the {name} is {value}", "allowed: 1 to 16777216");
        }
        if (HiddenSize % HeadCount != 0)
            throw Wrong($"{HeadCount} heads do not divide a width of {HiddenSize}",
                "download or export the model again");
        if (!(NormEpsilon is >= 0 and < 1))
            throw Wrong($"norm epsilon {NormEpsilon} is impossible", "allowed: 0 to 1");
        if (Activation is not (ActivationName.Gelu or ActivationName.GeluTanh or ActivationName.Relu))
            throw Wrong($"an encoder with the activation {Activation} is not supported",
                "supported are GELU and ReLU");

        AtelierException Wrong(string what, string hint) => new(what, where, hint);
    }
}
