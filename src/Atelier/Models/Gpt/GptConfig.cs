using System.ComponentModel.DataAnnotations;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Runs;

namespace Atelier.Models.Gpt;

/// <summary>The shapes whose choices a <see cref="GptConfig"/> takes where it does not say.</summary>
public enum GptLayout
{
    /// <summary>Learned positions, LayerNorm, GELU, biases, tied head (Radford et al. 2019).</summary>
    Gpt2,

    /// <summary>Rotary positions, RMSNorm, SwiGLU, no biases, untied head (Touvron et al. 2023).</summary>
    Llama,
}

/// <summary>
/// The shape of a GPT: a causal Transformer with its norms before each part. What is null is the layout's own.
/// </summary>
public sealed record GptConfig
{
    /// <summary>The shape to take choices from.</summary>
    public GptLayout Layout { get; init; } = GptLayout.Gpt2;

    /// <summary>Blocks, one on another.</summary>
    [Range(1, 1000)]
    public int LayerCount { get; init; } = 4;

    /// <summary>Attention heads of a block; divides the hidden size where the head size is not given.</summary>
    [Range(1, 1024)]
    public int HeadCount { get; init; } = 4;

    /// <summary>
    /// Heads of keys and values, shared by groups of heads (Ainslie et al. 2023); divides the head count. Null takes as
    /// many as heads.
    /// </summary>
    [Range(1, 1024)]
    public int? KeyValueHeadCount { get; init; }

    /// <summary>The width of the residual stream.</summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 128;

    /// <summary>The width of a head; null takes hiddenSize / headCount.</summary>
    [Range(1, 1 << 16)]
    public int? HeadSize { get; init; }

    /// <summary>
    /// The width inside a feed-forward layer; null takes 4 times the hidden size, for SwiGLU 8/3 rounded up to a
    /// multiple of 32.
    /// </summary>
    [Range(1, 1 << 20)]
    public int? FeedForwardSize { get; init; }

    /// <summary>The most tokens it can condition on.</summary>
    [Range(1, 1 << 20)]
    public int ContextLength { get; init; } = 64;

    /// <summary>The share of activations dropped in training (Srivastava et al. 2014).</summary>
    [Range(0.0, 0.999)]
    public double Dropout { get; init; }

    /// <summary>How it knows where a token stands.</summary>
    public PositionName? Positions { get; init; }

    /// <summary>What keeps activations in range.</summary>
    public NormName? Norm { get; init; }

    /// <summary>What stands between a feed-forward layer's products.</summary>
    public ActivationName? Activation { get; init; }

    /// <summary>Whether products and LayerNorms have biases.</summary>
    public bool? Bias { get; init; }

    /// <summary>Whether the head shares the embedding's weights (Press and Wolf 2017).</summary>
    public bool? TieHead { get; init; }

    /// <summary>The base of the rotary angles; long contexts take more than the paper's 10,000.</summary>
    [Range(1.0, 1e12)]
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Added to the variance in norms.</summary>
    [Range(1e-12, 1.0)]
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>The same with every null filled in, checked.</summary>
    /// <exception cref="AtelierException">The parts do not fit together.</exception>
    public GptConfig Resolve()
    {
        // Of GELU's two forms the exact one: on CPUs the tanh form, which OpenAI's weights want, takes 3 to 5 times as
        // long.
        bool llama = Layout == GptLayout.Llama;
        ActivationName activation = Activation ?? (llama ? ActivationName.SwiGlu : ActivationName.Gelu);
        GptConfig whole = this with
        {
            KeyValueHeadCount = KeyValueHeadCount ?? HeadCount,
            HeadSize = HeadSize ?? Divided(),
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

    private int Divided()
    {
        int down = HiddenSize / HeadCount * HeadCount, up = down + HeadCount;
        return down == HiddenSize
            ? HiddenSize / HeadCount
            : throw new AtelierException($"hiddenSize {HiddenSize} is not divisible by headCount {HeadCount}",
                "model.hiddenSize",
                down > 0 ? $"take {down} or {up}" : $"take {up}");
    }

    private void Check()
    {
        if (HeadCount % KeyValueHeadCount!.Value != 0)
        {
            IEnumerable<int> divisors = Enumerable.Range(1, HeadCount).Where(n => HeadCount % n == 0);
            throw new AtelierException(
                $"headCount {HeadCount} is not divisible by keyValueHeadCount {KeyValueHeadCount}",
                "model.keyValueHeadCount", $"take one of {string.Join(", ", divisors)}");
        }
        if (Positions == PositionName.Rotary && HeadSize % 2 != 0)
        {
            throw new AtelierException($"heads of {HeadSize} are odd, and rotary positions turn pairs",
                "model.hiddenSize",
                $"take {HiddenSize + HeadCount}, or positions: learned");
        }
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
