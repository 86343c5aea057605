using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The weights of a norm.</summary>
/// <param name="Weight">The scale, [hidden].</param>
/// <param name="Bias">The bias, [hidden]; null for none.</param>
public sealed record NormWeights(float[] Weight, float[]? Bias = null);

/// <summary>The weights of a linear layer, y = W x + b.</summary>
/// <param name="Weight">W, [outputs, inputs].</param>
/// <param name="Bias">b, [outputs]; null for none.</param>
public sealed record LinearWeights(WeightMatrix Weight, float[]? Bias = null)
{
    /// <summary>Returns the layer with its weights in another type, rounded to the nearest.</summary>
    /// <exception cref="AtelierException">The type is blocked, and the inputs are no multiple of 32.</exception>
    public LinearWeights ConvertTo(WeightType type)
    {
        if (type.IsBlocked() && Weight.Columns % WeightTypes.BlockSize != 0)
            throw new AtelierException($"{Weight.Name} has {Weight.Columns} columns, which {type} cannot store",
                hint: $"use BF16; {type} needs a multiple of {WeightTypes.BlockSize}");
        return Weight.Type == type ? this : this with { Weight = Weight.ConvertTo(type) };
    }
}

/// <summary>The weights of one block. If a file stores several matrices in one tensor, each is a slice of it.</summary>
public sealed record BlockWeights
{
    /// <summary>The norm before attention; null for none.</summary>
    public required NormWeights? AttentionNorm { get; init; }

    /// <summary>The norm after attention, before its result is added; null for none.</summary>
    public NormWeights? AttentionPostNorm { get; init; }

    /// <summary>The norm of queries, [head size] or [heads · head size]; null for none.</summary>
    public NormWeights? QueryNorm { get; init; }

    /// <summary>The norm of keys, [head size] or [key-value heads · head size]; null for none.</summary>
    public NormWeights? KeyNorm { get; init; }

    /// <summary>
    /// The query projection, [heads · head size, hidden]. The rows of a head are in the order of
    /// <see cref="DecoderConfig.RotaryPairs"/>.
    /// </summary>
    public required LinearWeights Query { get; init; }

    /// <summary>
    /// The key projection, [key-value heads · head size, hidden], with the rows of a head in the same order.
    /// </summary>
    public required LinearWeights Key { get; init; }

    /// <summary>The value projection, [key-value heads · head size, hidden].</summary>
    public required LinearWeights Value { get; init; }

    /// <summary>The output projection, [hidden, heads · head size].</summary>
    public required LinearWeights Output { get; init; }

    /// <summary>The norm before the feed-forward layer; null for none.</summary>
    public required NormWeights? FeedForwardNorm { get; init; }

    /// <summary>The norm after the feed-forward layer, before its result is added; null for none.</summary>
    public NormWeights? FeedForwardPostNorm { get; init; }

    /// <summary>The attention to the encoded source, in the decoder of an encoder-decoder; otherwise null.</summary>
    public CrossAttentionWeights? Cross { get; init; }

    /// <summary>The feed-forward layer; null in a mixture of experts.</summary>
    public FeedForwardWeights? FeedForward { get; init; }

    /// <summary>The mixture of experts; null if there is a feed-forward layer.</summary>
    public ExpertWeights? Experts { get; init; }

    /// <summary>Returns the linear layers in the order of their use, without those of cross-attention.</summary>
    public IEnumerable<LinearWeights> Products() =>
        ((IEnumerable<LinearWeights>)[Query, Key, Value, Output]).Concat(FeedForward?.Products() ?? [])
            .Concat(Experts?.Products() ?? []);

    /// <summary>Returns the block with all linear layers in another type, rounded to the nearest.</summary>
    /// <exception cref="AtelierException">The type is blocked, and a layer's inputs are no multiple of 32.</exception>
    public BlockWeights ConvertTo(WeightType type) => this with
    {
        Query = Query.ConvertTo(type),
        Key = Key.ConvertTo(type),
        Value = Value.ConvertTo(type),
        Output = Output.ConvertTo(type),
        FeedForward = FeedForward?.ConvertTo(type),
        Experts = Experts?.ConvertTo(type),
        Cross = Cross is null ? null : Cross with
        {
            Query = Cross.Query.ConvertTo(type),
            Key = Cross.Key.ConvertTo(type),
            Value = Cross.Value.ConvertTo(type),
            Output = Cross.Output.ConvertTo(type),
        },
    };
}

/// <summary>The weights of a feed-forward layer.</summary>
/// <param name="Gate">The gate of a gated activation, [feed-forward, hidden]; null for the others.</param>
/// <param name="Up">The first linear layer, [feed-forward, hidden].</param>
/// <param name="Down">The second linear layer, [hidden, feed-forward].</param>
public sealed record FeedForwardWeights(LinearWeights? Gate, LinearWeights Up, LinearWeights Down)
{
    /// <summary>Returns the linear layers in the order of their use.</summary>
    public IEnumerable<LinearWeights> Products() => ((LinearWeights?[])[Gate, Up, Down]).OfType<LinearWeights>();

    /// <inheritdoc cref="BlockWeights.ConvertTo"/>
    public FeedForwardWeights ConvertTo(WeightType type) =>
        new(Gate?.ConvertTo(type), Up.ConvertTo(type), Down.ConvertTo(type));
}

/// <summary>The weights of a mixture of experts.</summary>
/// <param name="Router">The router, [experts, hidden].</param>
/// <param name="Experts">The experts.</param>
/// <param name="Shared">The expert of all tokens; null for none.</param>
/// <param name="SharedGate">Its gate, [1, hidden]; null without it.</param>
public sealed record ExpertWeights(LinearWeights Router, IReadOnlyList<FeedForwardWeights> Experts,
    FeedForwardWeights? Shared = null, LinearWeights? SharedGate = null)
{
    /// <summary>Returns the linear layers in the order of their use.</summary>
    public IEnumerable<LinearWeights> Products() => Experts.SelectMany(expert => expert.Products()).Prepend(Router)
        .Concat(((LinearWeights?[])[SharedGate]).OfType<LinearWeights>()).Concat(Shared?.Products() ?? []);

    /// <summary>Returns the experts in another type; the router and the gate, whose errors matter most, keep
    /// theirs.</summary>
    /// <inheritdoc cref="BlockWeights.ConvertTo"/>
    public ExpertWeights ConvertTo(WeightType type) => this with
    {
        Experts = [.. Experts.Select(expert => expert.ConvertTo(type))],
        Shared = Shared?.ConvertTo(type),
    };
}

/// <summary>
/// The weights of the attention of a target to its encoded source (Vaswani et al. 2017, section 3.2.3).
/// </summary>
/// <param name="Norm">The norm before or after it.</param>
/// <param name="Query">The query projection of the target, [heads · head size, hidden].</param>
/// <param name="Key">The key projection of the source, [heads · head size, hidden].</param>
/// <param name="Value">The value projection of the source, [heads · head size, hidden].</param>
/// <param name="Output">The output projection, [hidden, heads · head size].</param>
public sealed record CrossAttentionWeights(
    NormWeights Norm, LinearWeights Query, LinearWeights Key, LinearWeights Value, LinearWeights Output);

/// <summary>The weights of a decoder. Each matrix may have a data type of its own.</summary>
public sealed record DecoderWeights
{
    /// <summary>The token embedding, [vocabulary, hidden].</summary>
    public required WeightMatrix Embedding { get; init; }

    /// <summary>The position embedding, [context, hidden]; null without learned positions.</summary>
    public WeightMatrix? Positions { get; init; }

    /// <summary>The blocks.</summary>
    public required IReadOnlyList<BlockWeights> Blocks { get; init; }

    /// <summary>The norm after the last block.</summary>
    public required NormWeights FinalNorm { get; init; }

    /// <summary>The head, [vocabulary, hidden]; null if it shares the weights of the embedding.</summary>
    public LinearWeights? Head { get; init; }

    /// <summary>The objects to dispose with the decoder: the mapped files that contain the matrices.</summary>
    public IReadOnlyList<IDisposable> Owners { get; init; } = [];

    /// <summary>Returns the weights of all linear layers in the order of their use.</summary>
    public IEnumerable<LinearWeights> Products() =>
        Blocks.SelectMany(block => block.Products()).Append(Head).OfType<LinearWeights>();

    /// <summary>Throws if the weights do not fit a configuration.</summary>
    /// <param name="config">The configuration, already checked.</param>
    /// <param name="where">The file of the weights, for error messages.</param>
    /// <exception cref="AtelierException">A matrix is missing, superfluous or of another shape.</exception>
    public void Check(DecoderConfig config, string? where = null)
    {
        int hidden = config.HiddenSize;
        var shapes = new WeightShapes(hidden, where);
        shapes.Matrix(Embedding, config.VocabularySize, hidden);
        if (Positions is null != (config.Positions == PositionName.Rotary))
            throw shapes.Wrong(Positions is null ? "there are no learned positions"
                : "there are both learned and rotary positions");
        if (Positions is not null)
            shapes.Matrix(Positions, config.ContextLength, hidden);
        if (Blocks.Count != config.LayerCount)
            throw shapes.Wrong($"there are {Blocks.Count} blocks, config.json implies {config.LayerCount}");
        foreach (BlockWeights block in Blocks)
            Check(block, config, shapes);
        shapes.Norm(FinalNorm);
        if (Head is not null)
            shapes.Linear(Head, config.VocabularySize, hidden);
    }

    private static void Check(BlockWeights block, DecoderConfig config, WeightShapes shapes)
    {
        int hidden = config.HiddenSize;
        bool hasBefore = config.NormPlacement != NormPlacement.After,
            hasAfter = config.NormPlacement != NormPlacement.Before;
        shapes.Norm(block.AttentionNorm, hidden, hasBefore);
        shapes.Norm(block.AttentionPostNorm, hidden, hasAfter);
        shapes.Norm(block.FeedForwardNorm, hidden, hasBefore);
        shapes.Norm(block.FeedForwardPostNorm, hidden, hasAfter);
        bool isWhole = config.QueryKeyNorm == QueryKeyNormName.Whole, hasNorms = config.QueryKeyNorm != default;
        shapes.Norm(block.QueryNorm, isWhole ? config.QuerySize : config.HeadSize, hasNorms);
        shapes.Norm(block.KeyNorm, isWhole ? config.KeyValueSize : config.HeadSize, hasNorms);
        shapes.Linear(block.Query, config.QuerySize, hidden);
        shapes.Linear(block.Key, config.KeyValueSize, hidden);
        shapes.Linear(block.Value, config.KeyValueSize, hidden);
        shapes.Linear(block.Output, hidden, config.QuerySize);
        bool hasExperts = config.Experts is not null;
        if (block.Experts is not null != hasExperts || block.FeedForward is null != hasExperts)
            throw shapes.Wrong("a block needs either a feed-forward layer or experts");
        if (block.Experts is not { } experts)
        {
            shapes.FeedForward(block.FeedForward, config.Activation, config.FeedForwardSize);
            return;
        }
        shapes.Linear(experts.Router, config.Experts!.Count, hidden);
        if (experts.Experts.Count != config.Experts.Count
            || experts.Shared is null != (config.Experts.SharedSize == 0)
            || experts.Shared is null != experts.SharedGate is null)
            throw shapes.Wrong($"a block has {experts.Experts.Count} experts, config.json implies "
                + $"{config.Experts.Count}");
        foreach (FeedForwardWeights expert in experts.Experts)
            shapes.FeedForward(expert, config.Activation, config.Experts.Size);
        if (experts.Shared is null)
            return;
        shapes.FeedForward(experts.Shared, config.Activation, config.Experts.SharedSize);
        shapes.Linear(experts.SharedGate, 1, hidden);
    }
}
