using System.ComponentModel.DataAnnotations;
using Atelier.Data.Text;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Recipes;

namespace Atelier.Models.Bert;

/// <summary>Published architectures from which a <see cref="BertConfig"/> takes the values that are null.</summary>
public enum BertLayout
{
    /// <summary>Two types of tokens; positions from 0 (Devlin et al. 2019).</summary>
    Bert,

    /// <summary>
    /// One type of tokens; positions begin after the number of the padding token, which the tokenizer must have (Liu et
    /// al. 2019).
    /// </summary>
    Roberta,
}

/// <summary>
/// The configuration of a BERT: a Transformer encoder that learns to predict masked tokens (Devlin et al. 2019). Null
/// values take those of the layout.
/// </summary>
public sealed record BertConfig
{
    /// <summary>The published architecture that null values are taken from.</summary>
    public BertLayout Layout { get; init; } = BertLayout.Bert;

    /// <summary>The number of blocks.</summary>
    [Range(1, 1000)]
    public int LayerCount { get; init; } = 4;

    /// <summary>The number of attention heads in a block. Must divide the hidden size.</summary>
    [Range(1, 1024)]
    public int HeadCount { get; init; } = 4;

    /// <summary>The width of the residual stream.</summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 128;

    /// <summary>The inner width of the feed-forward layers. Null takes 4 × hiddenSize.</summary>
    [Range(1, 1 << 20)]
    public int? FeedForwardSize { get; init; }

    /// <summary>The largest number of tokens in a sequence, special tokens included.</summary>
    [Range(4, 1 << 20)]
    public int ContextLength { get; init; } = 128;

    /// <summary>The dropout rate of embeddings and of each layer's output (Srivastava et al. 2014).</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double Dropout { get; init; } = 0.1;

    /// <summary>The dropout rate of attention weights.</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double AttentionDropout { get; init; } = 0.1;

    /// <summary>The activation of the feed-forward layers and of the head: gelu, gelu-tanh or relu.</summary>
    public ActivationName Activation { get; init; } = ActivationName.Gelu;

    /// <summary>The number of token types, such as the first and the second of two sentences.</summary>
    [Range(1, 1024)]
    public int? TypeCount { get; init; }

    /// <summary>A small constant that normalisation layers add to the variance, for numerical stability.</summary>
    [Range(0, 1.0)]
    public double? NormEpsilon { get; init; }

    /// <summary>Whether the head shares the weights of the token embedding (Press and Wolf 2017).</summary>
    public bool TieHead { get; init; } = true;

    /// <summary>The units in which tokens are masked in training: token, whole-word or span.</summary>
    [MayChange]
    public MaskingUnit Masking { get; init; } = MaskingUnit.Token;

    /// <summary>The share of tokens to predict in training.</summary>
    [MayChange]
    [Range(0.001, 0.999)]
    public double MaskShare { get; init; } = 0.15;

    /// <summary>The shape of a block.</summary>
    internal BlockShape Block => new(HiddenSize, HeadCount, HiddenSize / HeadCount, FeedForwardSize!.Value)
    {
        Activation = Activation,
        NormEpsilon = NormEpsilon!.Value,
        Dropout = Dropout,
        AttentionDropout = AttentionDropout,
        Deviation = BertModel.Deviation,
    };

    /// <summary>Returns this configuration with every null replaced by its default, and checks it.</summary>
    /// <exception cref="AtelierException">The sizes do not fit together, or the activation is not one of this
    /// family.</exception>
    public BertConfig Resolve()
    {
        _ = AttentionShape.DividedSize(HiddenSize, HeadCount); // or throws
        bool isRoberta = Layout == BertLayout.Roberta;
        if (Activation is not (ActivationName.Gelu or ActivationName.GeluTanh or ActivationName.Relu))
            throw new AtelierException("the activation is not one of this family", "model.activation",
                "use gelu, geluTanh or relu");
        return this with
        {
            FeedForwardSize = FeedForwardSize ?? (4 * HiddenSize),
            TypeCount = TypeCount ?? (isRoberta ? 1 : 2),
            NormEpsilon = NormEpsilon ?? (isRoberta ? 1e-5 : 1e-12),
        };
    }
}
