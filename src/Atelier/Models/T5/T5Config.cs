using System.ComponentModel.DataAnnotations;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Recipes;

namespace Atelier.Models.T5;

/// <summary>Published architectures from which a <see cref="T5Config"/> takes the values that are null.</summary>
public enum T5Layout
{
    /// <summary>
    /// The architecture of the paper: ReLU, and an output layer that shares the weights of the embedding (Raffel et al.
    /// 2020).
    /// </summary>
    T5,

    /// <summary>
    /// The architecture of T5 1.1 and Flan-T5: gated GELU, and an output layer of its own (Shazeer 2020; Chung et al.
    /// 2022).
    /// </summary>
    Flan,
}

/// <summary>The configuration of T5 (Raffel et al. 2020). Null values take those of the layout.</summary>
public sealed record T5Config
{
    /// <summary>The published architecture that null values are taken from.</summary>
    public T5Layout Layout { get; init; } = T5Layout.T5;

    /// <summary>The number of blocks of the encoder.</summary>
    [Range(1, 1000)]
    public int EncoderLayerCount { get; init; } = 3;

    /// <summary>The number of blocks of the decoder.</summary>
    [Range(1, 1000)]
    public int DecoderLayerCount { get; init; } = 3;

    /// <summary>The number of attention heads in a block.</summary>
    [Range(1, 1024)]
    public int HeadCount { get; init; } = 4;

    /// <summary>The width of a head. Null takes hiddenSize / headCount.</summary>
    [Range(1, 1 << 14)]
    public int? HeadSize { get; init; }

    /// <summary>The width of the residual stream.</summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 128;

    /// <summary>
    /// The inner width of the feed-forward layers. Null takes 4 × hiddenSize, or two thirds of it if they are gated,
    /// which gives as many weights (Shazeer 2020, section 2).
    /// </summary>
    [Range(1, 1 << 20)]
    public int? FeedForwardSize { get; init; }

    /// <summary>
    /// The largest number of tokens of a source, and of a target, with their special tokens. In training, longer ones
    /// are cut. It can be changed without training again, since positions are relative.
    /// </summary>
    [Range(2, 1 << 20)]
    public int ContextLength { get; init; } = 256;

    /// <summary>The number of relative position buckets, each with a bias for each head; a multiple of 4.</summary>
    [Range(4, 1 << 12)]
    public int RelativeBuckets { get; init; } = 32;

    /// <summary>The distance from which on all positions are in one bucket. More than half of the buckets.</summary>
    [Range(2, 1 << 20)]
    public int RelativeDistance { get; init; } = 128;

    /// <summary>
    /// The dropout rate of embeddings, attention weights, activations inside feed-forward layers, and outputs of all
    /// layers (Srivastava et al. 2014).
    /// </summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double Dropout { get; init; } = 0.1;

    /// <summary>The activation of the feed-forward layers; geGlu and swiGlu are gated.</summary>
    public ActivationName? Activation { get; init; }

    /// <summary>The constant that the normalisation adds to the mean square.</summary>
    [Range(1e-12, 0.1)]
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Whether the output layer shares the weights of the embedding (Press and Wolf 2017).</summary>
    public bool? TieHead { get; init; }

    /// <summary>
    /// Whether the output of the decoder is multiplied by 1/√hiddenSize before the output layer. Null takes
    /// <see cref="TieHead"/>.
    /// </summary>
    public bool? ScaleOutput { get; init; }

    /// <summary>
    /// For training on text: the share of tokens that are removed (Raffel et al. 2020, section 3.3.3).
    /// </summary>
    [MayChange]
    [Range(0.01, 0.9)]
    public double NoiseShare { get; init; } = 0.15;

    /// <summary>
    /// For training on text: the mean number of tokens of a removed span (Raffel et al. 2020, section 3.3.4).
    /// </summary>
    [MayChange]
    [Range(1.0, 1000.0)]
    public double MeanSpanLength { get; init; } = 3;

    /// <summary>
    /// For training on text: the number of sentinel tokens to add to a tokenizer that has none. A text has fewer
    /// removed spans than there are sentinels.
    /// </summary>
    [Range(2, 1000)]
    public int SentinelCount { get; init; } = 100;

    /// <summary>The shape of a block.</summary>
    internal BlockShape Block => new(HiddenSize, HeadCount, HeadSize!.Value, FeedForwardSize!.Value)
    {
        Activation = Activation!.Value,
        Norm = NormName.Rms,
        NormEpsilon = NormEpsilon,
        Bias = false,
        NormFirst = true,
        Dropout = Dropout,
        AttentionDropout = Dropout,
        ActivationDropout = Dropout,
        ScalesByInputs = true,
    };

    /// <summary>Returns this configuration with every null replaced by its default, and checks it.</summary>
    /// <exception cref="AtelierException">The sizes do not fit together.</exception>
    public T5Config Resolve()
    {
        bool isFlan = Layout == T5Layout.Flan;
        ActivationName activation = Activation ?? (isFlan ? ActivationName.GeGlu : ActivationName.Relu);
        bool tied = TieHead ?? !isFlan;
        if (RelativeBuckets % 4 != 0)
            throw new AtelierException($"relativeBuckets {RelativeBuckets} is not a multiple of 4",
                "model.relativeBuckets", $"use {(RelativeBuckets / 4 * 4) + 4}");
        if (RelativeDistance <= RelativeBuckets / 2)
            throw new AtelierException(
                $"relativeDistance {RelativeDistance} is not more than half of {RelativeBuckets} buckets",
                "model.relativeDistance", $"use at least {(RelativeBuckets / 2) + 1}");
        return this with
        {
            HeadSize = HeadSize ?? AttentionShape.DividedSize(HiddenSize, HeadCount),
            FeedForwardSize = FeedForwardSize ?? (activation.IsGated() ? Math.Max(1, 8 * HiddenSize / 3)
                : 4 * HiddenSize),
            Activation = activation,
            TieHead = tied,
            ScaleOutput = ScaleOutput ?? tied,
        };
    }
}
