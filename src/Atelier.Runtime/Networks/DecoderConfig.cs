namespace Atelier.Networks;

/// <summary>
/// The shape of a causal Transformer with its norms before each part: GPT-2's, Llama's, and what lies between.
/// </summary>
public sealed record DecoderConfig
{
    /// <summary>Token ids.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The most tokens it can condition on.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Blocks, one on another.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Query heads of a block.</summary>
    public required int HeadCount { get; init; }

    /// <summary>
    /// Heads of keys and values, shared by groups of query heads (Ainslie et al. 2023); divides the head count.
    /// </summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>The width of a head; mostly HiddenSize / HeadCount.</summary>
    public required int HeadSize { get; init; }

    /// <summary>The width inside a feed-forward layer.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>How it knows where a token stands.</summary>
    public required PositionName Positions { get; init; }

    /// <summary>What keeps activations in range.</summary>
    public required NormName Norm { get; init; }

    /// <summary>Added to the variance in norms.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>What stands between a feed-forward layer's products.</summary>
    public required ActivationName Activation { get; init; }

    /// <summary>Whether the products of the attention have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the products of the feed-forward layers have biases.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>The base of the rotary angles' geometric series.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>How the rotary angles are stretched, or null.</summary>
    public RotaryScaling? RopeScaling { get; init; }

    /// <summary>
    /// Divisors of each pair's angle, [HeadSize / 2], if a file holds the factors themselves (GGUF's
    /// rope_freqs.weight); or null.
    /// </summary>
    public IReadOnlyList<float>? RopeFactors { get; init; }

    /// <summary>Which components of a head are a pair.</summary>
    public RotaryPairs RotaryPairs { get; init; }

    /// <summary>The width of all query heads.</summary>
    public int QuerySize => HeadCount * HeadSize;

    /// <summary>The width of all key heads, and of all value heads.</summary>
    public int KeyValueSize => KeyValueHeadCount * HeadSize;

    /// <summary>Throws if the values do not fit together.</summary>
    /// <param name="where">The file to name in errors.</param>
    /// <exception cref="AtelierException">A size is out of range, or two do not fit.</exception>
    public void Check(string? where = null)
    {
        foreach ((string name, int value) in ((string, int)[])
        [
            ("vocabulary size", VocabularySize), ("context length", ContextLength), ("hidden size", HiddenSize),
                ("layer count", LayerCount),
            ("head count", HeadCount), ("key-value head count", KeyValueHeadCount), ("head size", HeadSize),
                ("feed-forward size", FeedForwardSize),
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
