using System.ComponentModel.DataAnnotations;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Recipes;

namespace Atelier.Models.Transformer;

/// <summary>
/// Published architectures from which a <see cref="TransformerConfig"/> takes the values that are null.
/// </summary>
public enum TransformerLayout
{
    /// <summary>
    /// The original architecture, as Marian's files have it: sinusoidal positions, ReLU, embeddings multiplied by
    /// √hiddenSize (Vaswani et al. 2017).
    /// </summary>
    Marian,

    /// <summary>Learned positions, GELU, normalised embeddings (Lewis et al. 2020).</summary>
    Bart,
}

/// <summary>
/// The configuration of an encoder-decoder Transformer (Vaswani et al. 2017). Null values take those of the layout.
/// </summary>
public sealed record TransformerConfig
{
    /// <summary>The published architecture that null values are taken from.</summary>
    public TransformerLayout Layout { get; init; } = TransformerLayout.Marian;

    /// <summary>The number of blocks of the encoder.</summary>
    [Range(1, 1000)]
    public int EncoderLayerCount { get; init; } = 3;

    /// <summary>The number of blocks of the decoder.</summary>
    [Range(1, 1000)]
    public int DecoderLayerCount { get; init; } = 3;

    /// <summary>The number of attention heads in a block. Must divide the hidden size.</summary>
    [Range(1, 1024)]
    public int HeadCount { get; init; } = 4;

    /// <summary>The width of the residual stream.</summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 128;

    /// <summary>The inner width of the feed-forward layers. Null takes 4 × hiddenSize.</summary>
    [Range(1, 1 << 20)]
    public int? FeedForwardSize { get; init; }

    /// <summary>
    /// The largest number of tokens of a source, and of a target, with their special tokens. In training, longer ones
    /// are cut.
    /// </summary>
    [Range(2, 1 << 20)]
    public int ContextLength { get; init; } = 256;

    /// <summary>The dropout rate of embeddings and of each layer's output (Srivastava et al. 2014).</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double Dropout { get; init; } = 0.1;

    /// <summary>The dropout rate of attention weights.</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double AttentionDropout { get; init; }

    /// <summary>The dropout rate of the activations inside feed-forward layers.</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double ActivationDropout { get; init; }

    /// <summary>
    /// Whether the normalisation comes before each layer, with another one after the last, instead of after each sum
    /// (Xiong et al. 2020). Deep models train more easily with it.
    /// </summary>
    public bool NormFirst { get; init; }

    /// <summary>The activation of the feed-forward layers: relu, gelu, geluTanh or silu.</summary>
    public ActivationName? Activation { get; init; }

    /// <summary>The encoding of positions: sinusoidal or learned.</summary>
    public PositionName? Positions { get; init; }

    /// <summary>Whether the sum of embeddings and positions is normalised.</summary>
    public bool? EmbeddingNorm { get; init; }

    /// <summary>Whether embeddings are multiplied by √hiddenSize before positions are added.</summary>
    public bool? ScaleEmbedding { get; init; }

    /// <summary>
    /// Whether the output layer shares the weights of the target embedding (Press and Wolf 2017). Source and target
    /// share their embedding if the data have one vocabulary for both.
    /// </summary>
    public bool TieHead { get; init; } = true;

    /// <summary>The shape of a block.</summary>
    internal BlockShape Block => new(HiddenSize, HeadCount, HiddenSize / HeadCount, FeedForwardSize!.Value)
    {
        Activation = Activation!.Value,
        NormFirst = NormFirst,
        Dropout = Dropout,
        AttentionDropout = AttentionDropout,
        ActivationDropout = ActivationDropout,
    };

    /// <summary>Returns this configuration with every null replaced by its default, and checks it.</summary>
    /// <exception cref="AtelierException">The sizes do not fit together, or a value is not one of this
    /// family.</exception>
    public TransformerConfig Resolve()
    {
        _ = AttentionShape.DividedSize(HiddenSize, HeadCount); // or throws
        bool isBart = Layout == TransformerLayout.Bart;
        TransformerConfig whole = this with
        {
            FeedForwardSize = FeedForwardSize ?? (4 * HiddenSize),
            Activation = Activation ?? (isBart ? ActivationName.Gelu : ActivationName.Relu),
            Positions = Positions ?? (isBart ? PositionName.Learned : PositionName.Sinusoidal),
            EmbeddingNorm = EmbeddingNorm ?? isBart,
            ScaleEmbedding = ScaleEmbedding ?? !isBart,
        };
        if (whole.Activation.Value.IsGated())
            throw new AtelierException("the activation is not one of this family", "model.activation",
                "use relu, gelu, geluTanh or silu");
        if (whole.Positions == PositionName.Rotary)
            throw new AtelierException("the positions are not of this family", "model.positions",
                "use sinusoidal or learned");
        return whole;
    }
}
