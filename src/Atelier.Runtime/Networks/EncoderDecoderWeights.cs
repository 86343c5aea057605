using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The weights of the encoder or the decoder of an encoder-decoder.</summary>
public sealed record StackWeights
{
    /// <summary>The learned positions, [offset + context, hidden]; null without them.</summary>
    public WeightMatrix? Positions { get; init; }

    /// <summary>The biases of self-attention, [buckets, heads]; null without relative positions.</summary>
    public WeightMatrix? RelativeBiases { get; init; }

    /// <summary>The norm of the sum of embeddings and positions; null for none.</summary>
    public NormWeights? EmbeddingNorm { get; init; }

    /// <summary>The blocks; those of a decoder have <see cref="BlockWeights.Cross"/>.</summary>
    public required IReadOnlyList<BlockWeights> Blocks { get; init; }

    /// <summary>The norm after the last block; null if norms follow the sums.</summary>
    public NormWeights? FinalNorm { get; init; }
}

/// <summary>The weights of an encoder-decoder. Each matrix may have a data type of its own.</summary>
public sealed record EncoderDecoderWeights
{
    /// <summary>The embedding of source tokens, [source vocabulary, hidden].</summary>
    public required WeightMatrix SourceEmbedding { get; init; }

    /// <summary>The embedding of target tokens, [vocabulary, hidden]; may be that of source tokens.</summary>
    public required WeightMatrix TargetEmbedding { get; init; }

    /// <summary>The encoder.</summary>
    public required StackWeights Encoder { get; init; }

    /// <summary>The decoder.</summary>
    public required StackWeights Decoder { get; init; }

    /// <summary>The output layer, [vocabulary, hidden], whose weights may be the target embedding.</summary>
    public required LinearWeights Head { get; init; }

    /// <summary>The objects to dispose with the model: the mapped files that contain the matrices.</summary>
    public IReadOnlyList<IDisposable> Owners { get; init; } = [];

    /// <summary>
    /// Returns the weights with all linear layers in another type, rounded to the nearest. Embeddings, norms and biases
    /// stay as they are.
    /// </summary>
    /// <exception cref="AtelierException">The type is blocked, and a layer's inputs are no multiple of 32.</exception>
    public EncoderDecoderWeights ConvertTo(WeightType type)
    {
        return this with { Encoder = Stack(Encoder), Decoder = Stack(Decoder), Head = Head.ConvertTo(type) };

        StackWeights Stack(StackWeights stack) =>
            stack with { Blocks = [.. stack.Blocks.Select(block => block.ConvertTo(type))] };
    }

    /// <summary>Throws if the weights do not fit a configuration.</summary>
    /// <param name="config">The configuration, already checked.</param>
    /// <param name="where">The file of the weights, for error messages.</param>
    /// <exception cref="AtelierException">A matrix is missing, superfluous or of another shape.</exception>
    public void Check(EncoderDecoderConfig config, string? where = null)
    {
        var shapes = new WeightShapes(config.HiddenSize, where);
        shapes.Matrix(SourceEmbedding, config.SourceVocabularySize, config.HiddenSize);
        shapes.Matrix(TargetEmbedding, config.VocabularySize, config.HiddenSize);
        shapes.Linear(Head, config.VocabularySize, config.HiddenSize);
        Check(Encoder, config.EncoderLayerCount, isDecoder: false);
        Check(Decoder, config.DecoderLayerCount, isDecoder: true);

        void Check(StackWeights stack, int layers, bool isDecoder)
        {
            Same(stack.Positions, config.Positions == PositionName.Learned, "learned positions");
            Same(stack.RelativeBiases, config.Relative is not null, "relative position biases");
            Same(stack.EmbeddingNorm, config.EmbeddingNorm, "a norm of embeddings");
            Same(stack.FinalNorm, config.NormFirst, "a norm after the last block");
            if (stack.Positions is { } positions)
                shapes.Matrix(positions, checked(config.PositionOffset + config.ContextLength), config.HiddenSize);
            if (stack.RelativeBiases is { } biases)
                shapes.Matrix(biases, config.Relative!.Buckets, config.HeadCount);
            foreach (NormWeights norm in ((NormWeights?[])[stack.EmbeddingNorm, stack.FinalNorm]).OfType<NormWeights>())
                shapes.Norm(norm);
            if (stack.Blocks.Count != layers)
                throw shapes.Wrong($"there are {stack.Blocks.Count} blocks, config.json implies {layers}");
            foreach (BlockWeights block in stack.Blocks)
                CheckBlock(block, isDecoder);
        }

        void CheckBlock(BlockWeights block, bool isDecoder)
        {
            int hidden = config.HiddenSize, size = config.Shape.AttentionSize;
            shapes.Norm(block.AttentionNorm);
            shapes.Norm(block.FeedForwardNorm);
            foreach (LinearWeights linear in (LinearWeights[])[block.Query, block.Key, block.Value])
                shapes.Linear(linear, size, hidden);
            shapes.Linear(block.Output, hidden, size);
            shapes.FeedForward(block.FeedForward, config.Activation, config.FeedForwardSize);
            Same(block.Cross, isDecoder, "attention to a source");
            if (block.Cross is not { } cross)
                return;
            shapes.Norm(cross.Norm);
            foreach (LinearWeights linear in (LinearWeights[])[cross.Query, cross.Key, cross.Value])
                shapes.Linear(linear, size, hidden);
            shapes.Linear(cross.Output, hidden, size);
        }

        void Same(object? part, bool isWanted, string what)
        {
            if (part is null == isWanted)
                throw shapes.Wrong(isWanted ? $"there is no {what}" : $"there is {what}, which config.json excludes");
        }
    }
}
