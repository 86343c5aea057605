using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Gpt;

/// <summary>
/// Attention, then a feed-forward layer, each added to the residual stream (Radford et al. 2019, section 2.3).
/// </summary>
internal sealed class GptBlock : nn.Module
{
    public GptBlock(GptConfig config, RotaryPositions? rotary, AttentionProduct product, Precision precision,
        Generator random)
        : base(nameof(GptBlock))
    {
        // Each block adds to the stream twice: 1/√(2 L) keeps the stream's first variance near 1 (Radford et al. 2019).
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

    public Norm AttentionNorm { get; }

    public MultiHeadAttention Attention { get; }

    public Norm FeedForwardNorm { get; }

    public FeedForward FeedForward { get; }

    /// <summary>The residual stream, [batch, time, hidden], fp32, goes through these.</summary>
    public Sequential Layers { get; }

    public static Norm CreateNorm(GptConfig config) =>
        Norm.Create(config.Norm!.Value, config.HiddenSize, config.Bias!.Value, config.NormEpsilon);
}
