using Atelier.Layers;
using Atelier.Layers.Fused;
using Atelier.Networks;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Gpt;

/// <summary>
/// Attention, then a feed-forward layer, each added to the residual stream (Radford et al. 2019, section 2.3).
/// </summary>
internal sealed class GptBlock : nn.Module
{
    private readonly double _dropout;
    private readonly Precision _precision;
    private readonly SelfAttentionKernel _attentionKernel;
    private readonly FeedForwardKernel _feedForwardKernel;

    public GptBlock(GptConfig config, RotaryPositions? rotary, AttentionProduct product, Precision precision,
        Generator random)
        : base(nameof(GptBlock))
    {
        // Each block adds to the stream twice: 1/√(2 L) keeps the stream's first variance near 1 (Radford et al. 2019).
        const double deviation = GptModel.Deviation;
        double outputDeviation = deviation / Math.Sqrt(2 * config.LayerCount);
        bool bias = config.Bias!.Value;
        (_dropout, _precision) = (config.Dropout, precision);
        AttentionNorm = CreateNorm(config);
        Attention = new SelfAttention(
            new AttentionShape(config.HiddenSize, config.HeadCount, config.KeyValueHeadCount!.Value,
                config.HeadSize!.Value, bias, config.Dropout),
            rotary, product, precision, deviation, outputDeviation, random);
        FeedForwardNorm = CreateNorm(config);
        FeedForward = new FeedForward(config.HiddenSize, config.FeedForwardSize!.Value, config.Activation!.Value, bias,
            precision, deviation, outputDeviation, random);
        _attentionKernel = new SelfAttentionKernel((IKernelNorm)AttentionNorm, Attention);
        _feedForwardKernel = new FeedForwardKernel((IKernelNorm)FeedForwardNorm, FeedForward);
        Kernels = [_attentionKernel, _feedForwardKernel];
        register_module("attentionNorm", AttentionNorm);
        register_module("attention", Attention);
        register_module("feedForwardNorm", FeedForwardNorm);
        register_module("feedForward", FeedForward);
    }

    public nn.Module<Tensor, Tensor> AttentionNorm { get; }

    public SelfAttention Attention { get; }

    public nn.Module<Tensor, Tensor> FeedForwardNorm { get; }

    public FeedForward FeedForward { get; }

    /// <summary>The same two parts as fused layers, for training where <see cref="KernelsServe"/>.</summary>
    public IReadOnlyList<IKernelLayer> Kernels { get; }

    /// <summary>Whether <see cref="Kernels"/> can take this residual stream in training.</summary>
    public bool KernelsServe(Tensor x) => training && _dropout == 0 && KernelLayers.Serve(x, _precision)
        && x.dtype == ScalarType.Float32 && x.shape[^1] % 16 == 0 && _attentionKernel.Serves(x.shape[1])
            && _feedForwardKernel.Serves;

    /// <summary>The residual stream [batch, time, hidden], fp32, goes through.</summary>
    public Tensor Forward(Tensor x, KeyValueCache? cache)
    {
        if (cache is null && KernelsServe(x))
            return KernelLayers.Run(x, Kernels);
        x = x.Plus(Drop(Attention.Forward(AttentionNorm.forward(x), cache)));
        return x.Plus(Drop(FeedForward.forward(FeedForwardNorm.forward(x))));
    }

    public static nn.Module<Tensor, Tensor> CreateNorm(GptConfig config) => config.Norm == NormName.Rms
        ? new RmsNorm(config.HiddenSize, config.NormEpsilon)
        : new LayerNorm(config.HiddenSize, config.Bias!.Value, config.NormEpsilon);

    private Tensor Drop(Tensor x) => training && _dropout > 0 ? Dropout.Apply(x, _dropout) : x;
}
