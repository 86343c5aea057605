using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// The weights of the masked-LM head: logits = D · norm(activation(T x)) + b, where D is the token embedding unless the
/// head has a matrix of its own (Devlin et al. 2019, section 3.1).
/// </summary>
/// <param name="Transform">T, [hidden, hidden].</param>
/// <param name="Norm">The norm.</param>
/// <param name="Decoder">D, [vocabulary, hidden], and b.</param>
public sealed record MaskedHeadWeights(LinearWeights Transform, NormWeights Norm, LinearWeights Decoder);

/// <summary>The weights of an encoder. Each matrix may have a data type of its own.</summary>
public sealed record EncoderWeights
{
    /// <summary>The token embedding, [vocabulary, hidden].</summary>
    public required WeightMatrix Embedding { get; init; }

    /// <summary>The position embedding, [offset + context, hidden].</summary>
    public required WeightMatrix Positions { get; init; }

    /// <summary>The embedding of the token types, [types, hidden].</summary>
    public required WeightMatrix Types { get; init; }

    /// <summary>The norm of the sum of the three embeddings.</summary>
    public required NormWeights EmbeddingNorm { get; init; }

    /// <summary>
    /// The blocks. <see cref="BlockWeights.AttentionNorm"/> and <see cref="BlockWeights.FeedForwardNorm"/> are applied
    /// after the residual connections.
    /// </summary>
    public required IReadOnlyList<BlockWeights> Blocks { get; init; }

    /// <summary>
    /// The pooler, [hidden, hidden], whose output is tanh(W x + b) of the first token; null for none.
    /// </summary>
    public LinearWeights? Pooler { get; init; }

    /// <summary>The masked-LM head; null for none.</summary>
    public MaskedHeadWeights? MaskedHead { get; init; }

    /// <summary>The objects to dispose with the encoder: the mapped files that contain the matrices.</summary>
    public IReadOnlyList<IDisposable> Owners { get; init; } = [];

    /// <summary>
    /// Returns the weights with all linear layers in another type, rounded to the nearest. Embeddings, norms and biases
    /// stay as they are.
    /// </summary>
    /// <exception cref="AtelierException">The type is blocked, and a layer's inputs are no multiple of 32.</exception>
    public EncoderWeights ConvertTo(WeightType type) => this with
    {
        Blocks = [.. Blocks.Select(block => block.ConvertTo(type))],
        Pooler = Pooler?.ConvertTo(type),
        MaskedHead = MaskedHead is null ? null : MaskedHead with
        {
            Transform = MaskedHead.Transform.ConvertTo(type),
            Decoder = MaskedHead.Decoder.ConvertTo(type),
        },
    };

    /// <summary>Throws if the weights do not fit a configuration.</summary>
    /// <param name="config">The configuration, already checked.</param>
    /// <param name="where">The file of the weights, for error messages.</param>
    /// <exception cref="AtelierException">A matrix is missing, superfluous or of another shape.</exception>
    public void Check(EncoderConfig config, string? where = null)
    {
        int hidden = config.HiddenSize;
        var shapes = new WeightShapes(hidden, where);
        shapes.Matrix(Embedding, config.VocabularySize, hidden);
        shapes.Matrix(Positions, config.PositionOffset + config.ContextLength, hidden);
        shapes.Matrix(Types, config.TypeCount, hidden);
        shapes.Norm(EmbeddingNorm);
        if (Blocks.Count != config.LayerCount)
            throw shapes.Wrong($"there are {Blocks.Count} blocks, config.json implies {config.LayerCount}");
        foreach (BlockWeights block in Blocks)
        {
            foreach (LinearWeights square in (LinearWeights[])[block.Query, block.Key, block.Value, block.Output])
                shapes.Linear(square, hidden, hidden);
            shapes.Norm(block.AttentionNorm);
            shapes.FeedForward(block.FeedForward, config.Activation, config.FeedForwardSize);
            shapes.Norm(block.FeedForwardNorm);
        }
        if (Pooler is not null)
            shapes.Linear(Pooler, hidden, hidden);
        if (MaskedHead is not null)
        {
            shapes.Linear(MaskedHead.Transform, hidden, hidden);
            shapes.Norm(MaskedHead.Norm);
            shapes.Linear(MaskedHead.Decoder, config.VocabularySize, hidden);
        }
    }
}
