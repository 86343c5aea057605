using System.ComponentModel.DataAnnotations;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Models.Gpt;

/// <summary>Published architectures from which a <see cref="GptConfig"/> takes the values that are null.</summary>
public enum GptLayout
{
    /// <summary>Learned positions, LayerNorm, GELU, biases, tied head (Radford et al. 2019).</summary>
    Gpt2,

    /// <summary>Rotary positions, RMSNorm, SwiGLU, no biases, untied head (Touvron et al. 2023).</summary>
    Llama,
}

/// <summary>
/// The configuration of a GPT: a causal Transformer with pre-normalisation. Null values take those of the layout.
/// </summary>
public sealed record GptConfig : IContextLength
{
    /// <summary>The published architecture that null values are taken from.</summary>
    public GptLayout Layout { get; init; } = GptLayout.Gpt2;

    /// <summary>The number of Transformer blocks.</summary>
    [Range(1, 1000)]
    public int LayerCount { get; init; } = 4;

    /// <summary>
    /// The number of attention heads in a block. Must divide the hidden size unless the head size is set.
    /// </summary>
    [Range(1, 1024)]
    public int HeadCount { get; init; } = 4;

    /// <summary>
    /// The number of key and value heads, each shared by a group of query heads (Ainslie et al. 2023). Must divide the
    /// head count. Null takes the head count.
    /// </summary>
    [Range(1, 1024)]
    public int? KeyValueHeadCount { get; init; }

    /// <summary>The width of the residual stream.</summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 128;

    /// <summary>The width of an attention head. Null takes hiddenSize / headCount.</summary>
    [Range(1, 1 << 16)]
    public int? HeadSize { get; init; }

    /// <summary>
    /// The inner width of the feed-forward layer. Null takes 4 × hiddenSize, or for SwiGLU 8/3 × hiddenSize rounded up
    /// to a multiple of 32.
    /// </summary>
    [Range(1, 1 << 20)]
    public int? FeedForwardSize { get; init; }

    /// <summary>The largest number of tokens that the model can condition on.</summary>
    [Range(1, 1 << 20)]
    public int ContextLength { get; init; } = 64;

    /// <summary>The dropout rate in training (Srivastava et al. 2014).</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double Dropout { get; init; }

    /// <summary>The encoding of positions.</summary>
    public PositionName? Positions { get; init; }

    /// <summary>The normalisation layer.</summary>
    public NormName? Norm { get; init; }

    /// <summary>The activation function of the feed-forward layer.</summary>
    public ActivationName? Activation { get; init; }

    /// <summary>Whether linear layers and layer normalisations have biases.</summary>
    public bool? Bias { get; init; }

    /// <summary>Whether the output layer shares the weights of the embedding (Press and Wolf 2017).</summary>
    public bool? TieHead { get; init; }

    /// <summary>
    /// The base θ of the rotary angles (Su et al. 2021). Models for long contexts use values above the paper's 10,000.
    /// </summary>
    [Range(1.0, 1e12)]
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>A small constant that normalisation layers add to the variance, for numerical stability.</summary>
    [Range(1e-12, 1.0)]
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Returns this configuration with every null replaced by its default, and checks it.</summary>
    /// <exception cref="AtelierException">The head counts or sizes do not fit together.</exception>
    public GptConfig Resolve()
    {
        // GELU in its exact form: on CPUs the tanh approximation, which OpenAI's weights need, takes 3 to 5 times as
        // long.
        bool llama = Layout == GptLayout.Llama;
        ActivationName activation = Activation ?? (llama ? ActivationName.SwiGlu : ActivationName.Gelu);
        GptConfig whole = this with
        {
            KeyValueHeadCount = KeyValueHeadCount ?? HeadCount,
            HeadSize = HeadSize ?? AttentionShape.DividedSize(HiddenSize, HeadCount),
            Activation = activation,
            FeedForwardSize = FeedForwardSize
                ?? (activation == ActivationName.SwiGlu ? RoundUp(8 * HiddenSize / 3, 32) : 4 * HiddenSize),
            Positions = Positions ?? (llama ? PositionName.Rotary : PositionName.Learned),
            Norm = Norm ?? (llama ? NormName.Rms : NormName.Layer),
            Bias = Bias ?? !llama,
            TieHead = TieHead ?? !llama,
        };
        whole.Check();
        return whole;
    }

    private void Check()
    {
        if (Activation is not (ActivationName.Gelu or ActivationName.GeluTanh or ActivationName.SwiGlu))
            throw new AtelierException("the activation is not one of this family", "model.activation",
                "use gelu, geluTanh or swiGlu");
        if (Positions == PositionName.Sinusoidal)
            throw new AtelierException("the positions are not of this family", "model.positions",
                "use learned or rotary");
        if (HeadCount % KeyValueHeadCount!.Value != 0)
        {
            IEnumerable<int> divisors = Enumerable.Range(1, HeadCount).Where(n => HeadCount % n == 0);
            throw new AtelierException(
                $"headCount {HeadCount} is not divisible by keyValueHeadCount {KeyValueHeadCount}",
                "model.keyValueHeadCount", $"use one of {string.Join(", ", divisors)}");
        }
        if (Positions == PositionName.Rotary && HeadSize % 2 != 0)
        {
            throw new AtelierException($"the head size {HeadSize} is odd, but rotary positions need pairs",
                "model.hiddenSize", $"use {HiddenSize + HeadCount}, or positions: learned");
        }
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
