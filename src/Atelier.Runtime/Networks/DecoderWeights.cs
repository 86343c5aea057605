using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>A norm's weights.</summary>
/// <param name="Weight">[hidden].</param>
/// <param name="Bias">[hidden], or null.</param>
public sealed record NormWeights(float[] Weight, float[]? Bias = null);

/// <summary>A product's weights: y = W x + b.</summary>
/// <param name="Weight">W, [outputs, inputs].</param>
/// <param name="Bias">b, [outputs], or null.</param>
public sealed record LinearWeights(WeightMatrix Weight, float[]? Bias = null);

/// <summary>The weights of one block. A matrix that a file keeps in one with others is a slice of it.</summary>
public sealed record BlockWeights
{
    /// <summary>Before attention.</summary>
    public required NormWeights AttentionNorm { get; init; }

    /// <summary>
    /// [heads · head size, hidden]; the rows of a head are in the order of <see cref="DecoderConfig.RotaryPairs"/>.
    /// </summary>
    public required LinearWeights Query { get; init; }

    /// <summary>[key-value heads · head size, hidden]; rows of a head in the same order.</summary>
    public required LinearWeights Key { get; init; }

    /// <summary>[key-value heads · head size, hidden].</summary>
    public required LinearWeights Value { get; init; }

    /// <summary>[hidden, heads · head size].</summary>
    public required LinearWeights Output { get; init; }

    /// <summary>Before the feed-forward layer.</summary>
    public required NormWeights FeedForwardNorm { get; init; }

    /// <summary>SwiGLU's gate, [feed-forward, hidden]; null for GELU.</summary>
    public LinearWeights? Gate { get; init; }

    /// <summary>The first product, [feed-forward, hidden].</summary>
    public required LinearWeights Up { get; init; }

    /// <summary>The second product, [hidden, feed-forward].</summary>
    public required LinearWeights Down { get; init; }
}

/// <summary>The weights of a decoder. Every matrix may have a type of its own.</summary>
public sealed record DecoderWeights
{
    /// <summary>[vocabulary, hidden].</summary>
    public required WeightMatrix Embedding { get; init; }

    /// <summary>[context, hidden] with learned positions, otherwise null.</summary>
    public WeightMatrix? Positions { get; init; }

    /// <summary>The blocks.</summary>
    public required IReadOnlyList<BlockWeights> Blocks { get; init; }

    /// <summary>After the last block.</summary>
    public required NormWeights FinalNorm { get; init; }

    /// <summary>[vocabulary, hidden]; null where the head is the embedding.</summary>
    public LinearWeights? Head { get; init; }

    /// <summary>Disposed with the decoder: the mapped files that the matrices lie in.</summary>
    public IReadOnlyList<IDisposable> Owners { get; init; } = [];

    /// <summary>Every product's weights, in the order in which a token meets them.</summary>
    public IEnumerable<LinearWeights> Products() =>
        Blocks.SelectMany(b => (LinearWeights?[])[b.Query, b.Key, b.Value, b.Output, b.Gate, b.Up, b.Down]).Append(Head)
            .OfType<LinearWeights>();

    /// <summary>Throws where the weights are not those of a shape.</summary>
    /// <param name="config">The shape, checked.</param>
    /// <param name="where">What errors name: the file of the weights.</param>
    /// <exception cref="AtelierException">A matrix is missing, too many, or of another shape.</exception>
    public void Check(DecoderConfig config, string? where = null)
    {
        int hidden = config.HiddenSize;
        Matrix(Embedding, config.VocabularySize, hidden);
        if (Positions is null != (config.Positions == PositionName.Rotary))
            throw Wrong(Positions is null ? "there are no learned positions"
                : "there are both learned and rotary positions");
        if (Positions is not null)
            Matrix(Positions, config.ContextLength, hidden);
        if (Blocks.Count != config.LayerCount)
            throw Wrong($"there are {Blocks.Count} blocks, config.json implies {config.LayerCount}");
        foreach (BlockWeights block in Blocks)
        {
            Norm(block.AttentionNorm);
            Linear(block.Query, config.QuerySize, hidden);
            Linear(block.Key, config.KeyValueSize, hidden);
            Linear(block.Value, config.KeyValueSize, hidden);
            Linear(block.Output, hidden, config.QuerySize);
            Norm(block.FeedForwardNorm);
            if (block.Gate is null == (config.Activation == ActivationName.SwiGlu))
                throw Wrong(block.Gate is null ? "SwiGLU's gate is missing" : "there is a gate, but no SwiGLU");
            if (block.Gate is not null)
                Linear(block.Gate, config.FeedForwardSize, hidden);
            Linear(block.Up, config.FeedForwardSize, hidden);
            Linear(block.Down, hidden, config.FeedForwardSize);
        }
        Norm(FinalNorm);
        if (Head is not null)
            Linear(Head, config.VocabularySize, hidden);

        void Norm(NormWeights norm)
        {
            if (norm.Weight.Length != hidden || (norm.Bias is not null && norm.Bias.Length != hidden))
                throw Wrong($"a norm has {norm.Weight.Length} weights, config.json implies {hidden}");
        }

        void Linear(LinearWeights linear, int rows, int columns)
        {
            Matrix(linear.Weight, rows, columns);
            if (linear.Bias is not null && linear.Bias.Length != rows)
                throw Wrong($"the bias of {linear.Weight.Name} has {linear.Bias.Length} elements, config.json "
                    + $"implies {rows}");
        }

        void Matrix(WeightMatrix matrix, int rows, int columns)
        {
            if (matrix.Rows != rows || matrix.Columns != columns)
                throw Wrong($"{matrix.Name} is [{matrix.Rows}, {matrix.Columns}], config.json implies [{rows}, "
                    + $"{columns}]");
        }

        AtelierException Wrong(string what) => new(what, where, "download or export the model again");
    }
}
