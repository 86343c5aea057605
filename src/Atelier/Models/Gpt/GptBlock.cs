using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Gpt;

/// <summary>
/// A Transformer block with pre-normalisation: attention, then a feed-forward layer, each added to the residual stream
/// (Radford et al. 2019, section 2.3).
/// </summary>
internal sealed class GptBlock : nn.Module
{
    /// <summary>Creates a block with new weights.</summary>
    /// <param name="config">The resolved configuration.</param>
    /// <param name="rotary">The rotary positions; null for learned positions.</param>
    /// <param name="product">The attention operator, shared by all blocks.</param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <param name="random">The generator of the initial weights.</param>
    public GptBlock(GptConfig config, RotaryPositions? rotary, AttentionProduct product, Precision precision,
        Generator random)
        : base(nameof(GptBlock))
    {
        // Each block adds to the stream twice: 1/√(2 L) keeps its initial variance near 1 (Radford et al. 2019).
        const double deviation = GptModel.Deviation;
        double outputDeviation = deviation / Math.Sqrt(2 * config.LayerCount);
        bool bias = config.Bias!.Value;
        var shape = new AttentionShape(config.HiddenSize, config.HeadCount, config.KeyValueHeadCount!.Value,
            config.HeadSize!.Value, bias, config.Dropout);
        AttentionNorm = CreateNorm(config);
        Attention = new MultiHeadAttention(shape, rotary, product, precision, deviation, outputDeviation, random);
        FeedForwardNorm = CreateNorm(config);
        FeedForward = new FeedForward(config.HiddenSize, config.FeedForwardSize!.Value, config.Activation!.Value, bias,
            precision, deviation, outputDeviation, random);
        Layers = new Sequential(
        [
            new ResidualLayer(AttentionNorm, Attention, config.Dropout), // x + attention(norm(x))
            new ResidualLayer(FeedForwardNorm, FeedForward, config.Dropout), // x + feedForward(norm(x))
        ]);
        register_module("attentionNorm", AttentionNorm);
        register_module("attention", Attention);
        register_module("feedForwardNorm", FeedForwardNorm);
        register_module("feedForward", FeedForward);
    }

    /// <summary>The normalisation before attention.</summary>
    public Norm AttentionNorm { get; }

    /// <summary>The attention layer.</summary>
    public MultiHeadAttention Attention { get; }

    /// <summary>The normalisation before the feed-forward layer.</summary>
    public Norm FeedForwardNorm { get; }

    /// <summary>The feed-forward layer.</summary>
    public FeedForward FeedForward { get; }

    /// <summary>The two residual layers, applied to the residual stream [batch, time, hidden] in fp32.</summary>
    public Sequential Layers { get; }

    /// <summary>Creates a normalisation layer of the configured kind.</summary>
    public static Norm CreateNorm(GptConfig config) =>
        Norm.Create(config.Norm!.Value, config.HiddenSize, config.Bias!.Value, config.NormEpsilon);
}
