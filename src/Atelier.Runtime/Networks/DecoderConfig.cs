namespace Atelier.Networks;

/// <summary>
/// The configuration of a causal, pre-norm Transformer: GPT-2, Llama, and combinations of their parts.
/// </summary>
public sealed record DecoderConfig
{
    /// <summary>Number of token ids.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The largest number of tokens that the model can condition on.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Number of query heads in a block.</summary>
    public required int HeadCount { get; init; }

    /// <summary>
    /// Number of key-value heads in a block, each shared by a group of query heads (Ainslie et al. 2023). It must
    /// divide <see cref="HeadCount"/>.
    /// </summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>The width of a head, usually <see cref="HiddenSize"/> / <see cref="HeadCount"/>.</summary>
    public required int HeadSize { get; init; }

    /// <summary>The inner width of a feed-forward layer.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>The position encoding.</summary>
    public required PositionName Positions { get; init; }

    /// <summary>The normalisation.</summary>
    public required NormName Norm { get; init; }

    /// <summary>The number that norms add to the variance.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>The activation function of the feed-forward layers.</summary>
    public required ActivationName Activation { get; init; }

    /// <summary>Whether the linear layers of the attention have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the linear layers of the feed-forward layers have biases.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>The base of the geometric series of rotary angles.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>The scaling of the rotary angles for longer contexts; null for none.</summary>
    public RotaryScaling? RopeScaling { get; init; }

    /// <summary>
    /// The divisor of each pair's angle, [HeadSize / 2], if the file stores the divisors themselves (rope_freqs.weight
    /// in GGUF); null otherwise.
    /// </summary>
    public IReadOnlyList<float>? RopeFactors { get; init; }

    /// <summary>The components of a head that form a pair.</summary>
    public RotaryPairs RotaryPairs { get; init; }

    /// <summary>The width of all query heads together.</summary>
    public int QuerySize => HeadCount * HeadSize;

    /// <summary>The width of all key heads together, which is also that of all value heads.</summary>
    public int KeyValueSize => KeyValueHeadCount * HeadSize;

    /// <summary>Throws if the values are out of range or inconsistent.</summary>
    /// <param name="where">The file to name in errors.</param>
    /// <exception cref="AtelierException">A value is out of range, or two values are inconsistent.</exception>
    public void Check(string? where = null)
    {
        foreach ((string name, int value) in ((string, int)[])
        [
            ("vocabulary size", VocabularySize), ("context length", ContextLength), ("hidden size", HiddenSize),
            ("layer count", LayerCount), ("head count", HeadCount), ("key-value head count", KeyValueHeadCount),
            ("head size", HeadSize), ("feed-forward size", FeedForwardSize),
        ])
        {
            if (value is < 1 or > 1 << 24)
                throw Wrong($"the {name} is {value}", "allowed: 1 to 16777216");
        }
        if (HeadCount % KeyValueHeadCount != 0)
            throw Wrong($"{HeadCount} heads cannot share {KeyValueHeadCount} key-value heads evenly",
                "the first must be a multiple of the second");
        if ((long)HeadCount * HeadSize > 1 << 24)
            throw Wrong($"{HeadCount} heads of {HeadSize} are too wide", "allowed: 16777216 in total");
        if (Activation == ActivationName.Relu)
            throw Wrong("a decoder with the activation relu is not supported", "supported are GELU and SwiGLU");
        if (Positions == PositionName.Rotary && HeadSize % 2 != 0)
            throw Wrong($"the head size {HeadSize} is odd", "rotary positions need pairs");
        if (RopeFactors is { } factors && factors.Count != HeadSize / 2)
            throw Wrong($"there are {factors.Count} rotary factors", $"heads of {HeadSize} have {HeadSize / 2} pairs");
        if (!(NormEpsilon is >= 0 and < 1) || !(RopeTheta is > 0 and < 1e30))
            throw Wrong($"norm epsilon {NormEpsilon} and rope theta {RopeTheta} are impossible",
                "allowed: 0 to 1, and above 0");
        if (RopeScaling is { } scaling
            && (!(scaling.Factor is > 0 and < 1e9)
                || (scaling.Name != RotaryScalingName.Linear && scaling.OriginalContextLength < 1)))
            throw Wrong($"rotary scaling by {scaling.Factor} from a context of {scaling.OriginalContextLength} "
                + $"is impossible", "the factor is above 0, the context from 1");

        AtelierException Wrong(string what, string hint) => new(what, where, hint);
    }
}
