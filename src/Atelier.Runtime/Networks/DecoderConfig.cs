namespace Atelier.Networks;

/// <summary>
/// The configuration of a causal Transformer: GPT-2, Llama, the models that vary Llama's shape, and combinations of
/// their parts.
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

    /// <summary>The places of the norms in a block.</summary>
    public NormPlacement NormPlacement { get; init; }

    /// <summary>Whether attention and feed-forward layer read the same input and are added to it together (Wang and
    /// Komatsuzaki 2021), instead of one after the other.</summary>
    public bool IsParallel { get; init; }

    /// <summary>The normalisation of queries and keys before attention, by RMSNorm.</summary>
    public QueryKeyNormName QueryKeyNorm { get; init; }

    /// <summary>Whether the projections of the attention to queries, keys and values have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether the output projection of the attention has a bias; null if it is as the others.</summary>
    public bool? AttentionOutputBias { get; init; }

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

    /// <summary>The factor of cosines and sines, in addition to that of <see cref="RopeScaling"/>.</summary>
    public double RopeAmplitude { get; init; } = 1;

    /// <summary>The components of a head that form a pair.</summary>
    public RotaryPairs RotaryPairs { get; init; }

    /// <summary>Number of components at the beginning of a head that are rotated; null for all.</summary>
    public int? RotarySize { get; init; }

    /// <summary>Whether rotary positions apply, by layer; null for all layers (Yang et al. 2025 leave some out).
    /// </summary>
    public IReadOnlyList<bool>? RotaryLayers { get; init; }

    /// <summary>The sliding window of the attention; null if all tokens attend to all tokens before them.</summary>
    public SlidingWindow? Window { get; init; }

    /// <summary>The factor of the products of queries and keys; null for 1 / √<see cref="HeadSize"/>.</summary>
    public double? AttentionScale { get; init; }

    /// <summary>The bound c of the scores of attention, which become c tanh(score / c) (Gemma Team 2024, section 2);
    /// null for none.</summary>
    public double? AttentionSoftCap { get; init; }

    /// <summary>The same bound of the logits; null for none.</summary>
    public double? LogitSoftCap { get; init; }

    /// <summary>The factor of the token embedding.</summary>
    public double EmbeddingScale { get; init; } = 1;

    /// <summary>The factor of each layer's result before it is added to the residual stream.</summary>
    public double ResidualScale { get; init; } = 1;

    /// <summary>The factor of the logits.</summary>
    public double LogitScale { get; init; } = 1;

    /// <summary>The mixture of experts in place of the feed-forward layers; null for none.</summary>
    public ExpertConfig? Experts { get; init; }

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
        int rotated = RotarySize ?? HeadSize;
        if (Positions == PositionName.Rotary && (rotated % 2 != 0 || rotated < 2 || rotated > HeadSize))
            throw Wrong($"{rotated} of the {HeadSize} components of a head are rotated",
                "rotary positions need pairs of them");
        if (RopeFactors is { } factors && factors.Count != rotated / 2)
            throw Wrong($"there are {factors.Count} rotary factors", $"heads of {rotated} have {rotated / 2} pairs");
        if (!(NormEpsilon is >= 0 and < 1) || !(RopeTheta is > 0 and < 1e30))
            throw Wrong($"norm epsilon {NormEpsilon} and rope theta {RopeTheta} are impossible",
                "allowed: 0 to 1, and above 0");
        if (RopeScaling is { } scaling
            && (!(scaling.Factor is > 0 and < 1e9)
                || (scaling.Name != RotaryScalingName.Linear && scaling.OriginalContextLength < 1)))
            throw Wrong($"rotary scaling by {scaling.Factor} from a context of {scaling.OriginalContextLength} "
                + $"is impossible", "the factor is above 0, the context from 1");

        CheckVariations(Wrong);

        AtelierException Wrong(string what, string hint) => new(what, where, hint);
    }

    private void CheckVariations(Func<string, string, AtelierException> wrong)
    {
        foreach ((string name, double value) in ((string, double)[])
        [
            ("attention scale", AttentionScale ?? 1), ("soft cap of the attention", AttentionSoftCap ?? 1),
            ("soft cap of the logits", LogitSoftCap ?? 1), ("embedding scale", EmbeddingScale),
            ("rotary amplitude", RopeAmplitude), ("residual scale", ResidualScale), ("logit scale", LogitScale),
        ])
        {
            if (!(value is > 0 and < 1e9))
                throw wrong($"the {name} is {value}", "it must be above 0");
        }
        foreach (IReadOnlyList<bool>? layers in (IReadOnlyList<bool>?[])[RotaryLayers, Window?.Layers])
        {
            if (layers is not null && layers.Count != LayerCount)
                throw wrong($"{layers.Count} layers are described of {LayerCount}", "each layer needs one entry");
        }
        if (Window is { } window && (window.Tokens < 1 || window.RopeTheta is <= 0))
            throw wrong($"the sliding window is {window.Tokens}", "it must be at least 1 token");
        if (Experts is { } experts && (experts.Count is < 1 or > 4096 || experts.PerToken < 1
            || experts.PerToken > experts.Count || experts.Size < 1 || experts.SharedSize < 0
            || !Activation.IsGated()))
            throw wrong($"{experts.PerToken} of {experts.Count} experts of size {experts.Size} are impossible",
                "allowed: 1 to 4096 experts with a gated activation, of which a token takes at least 1");
        if (IsParallel && NormPlacement != NormPlacement.Before)
            throw wrong("parallel layers have norms after them", "they have norms before them");
    }
}
