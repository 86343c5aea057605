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
    /// <summary>The norm before attention.</summary>
    public required NormWeights AttentionNorm { get; init; }

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

    /// <summary>The norm before the feed-forward layer.</summary>
    public required NormWeights FeedForwardNorm { get; init; }

    /// <summary>The attention to the encoded source, in the decoder of an encoder-decoder; otherwise null.</summary>
    public CrossAttentionWeights? Cross { get; init; }

    /// <summary>The gate of a gated activation, [feed-forward, hidden]; null for the others.</summary>
    public LinearWeights? Gate { get; init; }

    /// <summary>The first linear layer, [feed-forward, hidden].</summary>
    public required LinearWeights Up { get; init; }

    /// <summary>The second linear layer, [hidden, feed-forward].</summary>
    public required LinearWeights Down { get; init; }

    /// <summary>Returns the block with all linear layers in another type, rounded to the nearest.</summary>
    /// <exception cref="AtelierException">The type is blocked, and a layer's inputs are no multiple of 32.</exception>
    public BlockWeights ConvertTo(WeightType type) => this with
    {
        Query = Query.ConvertTo(type),
        Key = Key.ConvertTo(type),
        Value = Value.ConvertTo(type),
        Output = Output.ConvertTo(type),
        Gate = Gate?.ConvertTo(type),
        Up = Up.ConvertTo(type),
        Down = Down.ConvertTo(type),
        Cross = Cross is null ? null : Cross with
        {
            Query = Cross.Query.ConvertTo(type),
            Key = Cross.Key.ConvertTo(type),
            Value = Cross.Value.ConvertTo(type),
            Output = Cross.Output.ConvertTo(type),
        },
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
        Blocks.SelectMany(b => (LinearWeights?[])[b.Query, b.Key, b.Value, b.Output, b.Gate, b.Up, b.Down]).Append(Head)
            .OfType<LinearWeights>();

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
        {
            shapes.Norm(block.AttentionNorm);
            shapes.Linear(block.Query, config.QuerySize, hidden);
            shapes.Linear(block.Key, config.KeyValueSize, hidden);
            shapes.Linear(block.Value, config.KeyValueSize, hidden);
            shapes.Linear(block.Output, hidden, config.QuerySize);
            shapes.Norm(block.FeedForwardNorm);
            if (block.Gate is null == (config.Activation == ActivationName.SwiGlu))
                throw shapes.Wrong(block.Gate is null ? "SwiGLU's gate is missing" : "there is a gate, but no SwiGLU");
            if (block.Gate is not null)
                shapes.Linear(block.Gate, config.FeedForwardSize, hidden);
            shapes.Linear(block.Up, config.FeedForwardSize, hidden);
            shapes.Linear(block.Down, hidden, config.FeedForwardSize);
        }
        shapes.Norm(FinalNorm);
        if (Head is not null)
            shapes.Linear(Head, config.VocabularySize, hidden);
    }
}
