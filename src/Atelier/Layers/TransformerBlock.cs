using Atelier.Layers.Fused;
using Atelier.Networks;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>The shape of a <see cref="TransformerBlock"/>.</summary>
/// <param name="HiddenSize">The width of the residual stream.</param>
/// <param name="HeadCount">The number of attention heads.</param>
/// <param name="HeadSize">The width of a head.</param>
/// <param name="FeedForwardSize">The inner width of the feed-forward layer.</param>
public sealed record BlockShape(int HiddenSize, int HeadCount, int HeadSize, int FeedForwardSize)
{
    /// <summary>The activation of the feed-forward layer.</summary>
    public ActivationName Activation { get; init; } = ActivationName.Relu;

    /// <summary>The normalisation.</summary>
    public NormName Norm { get; init; } = NormName.Layer;

    /// <summary>The constant that the normalisation adds to the variance.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the linear layers and the normalisations have biases.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>Whether the normalisation comes before each layer, instead of after the sum.</summary>
    public bool NormFirst { get; init; }

    /// <summary>The share of each layer's output dropped in training.</summary>
    public double Dropout { get; init; }

    /// <summary>The share of attention weights dropped in training.</summary>
    public double AttentionDropout { get; init; }

    /// <summary>The share of the activations inside the feed-forward layer dropped in training.</summary>
    public double ActivationDropout { get; init; }

    /// <summary>
    /// The standard deviation of the initial weights; null takes Glorot and Bengio's (2010), √(2 / (inputs + outputs)),
    /// of each layer.
    /// </summary>
    public double? Deviation { get; init; }

    /// <summary>
    /// Whether the standard deviation is instead 1/√inputs of each layer (LeCun et al. 1998, section 4.6), as in T5.
    /// </summary>
    public bool ScalesByInputs { get; init; }
}

/// <summary>
/// A block of a Transformer: self-attention, in decoders of encoder-decoders cross-attention to the encoded source, and
/// a feed-forward layer, each with a residual connection and a normalisation (Vaswani et al. 2017, section 3.1).
/// </summary>
public sealed class TransformerBlock : nn.Module
{
    private readonly ResidualLayer _attention, _feedForward;
    private readonly ResidualLayer? _cross;

    /// <summary>Creates a block with new weights.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="self">Computes self-attention, causal or not; shared between blocks.</param>
    /// <param name="cross">Computes cross-attention; shared between blocks. Null for a block without it.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">Draws the weights.</param>
    public TransformerBlock(BlockShape shape, AttentionProduct self, AttentionProduct? cross, Precision precision,
        Generator random)
        : base(nameof(TransformerBlock))
    {
        (int hidden, int size) = (shape.HiddenSize, shape.FeedForwardSize);
        var heads = new AttentionShape(hidden, shape.HeadCount, shape.HeadCount, shape.HeadSize, shape.Bias,
            shape.AttentionDropout);
        double Deviation(int inputs, int outputs) => shape.ScalesByInputs ? 1 / Math.Sqrt(inputs)
            : shape.Deviation ?? Math.Sqrt(2.0 / (inputs + outputs));
        // queries, keys and values are one matrix, as in PyTorch; with norms last, larger weights learn more slowly
        double attention = Deviation(hidden, 3 * heads.QuerySize), output = Deviation(heads.QuerySize, hidden);
        Norm CreateNorm() => Norm.Create(shape.Norm, hidden, shape.Bias, shape.NormEpsilon);

        Attention = new MultiHeadAttention(heads, rotary: null, self, precision, attention, output, random);
        ScaleQueries(Attention);
        AttentionNorm = CreateNorm();
        register_module("attention", Attention);
        register_module("attentionNorm", AttentionNorm);
        _attention = new ResidualLayer(AttentionNorm, Attention, shape.Dropout, shape.NormFirst);
        if (cross is not null)
        {
            CrossAttention = new MultiHeadAttention(heads with { SourceSize = hidden }, rotary: null, cross, precision,
                attention, output, random);
            ScaleQueries(CrossAttention);
            CrossNorm = CreateNorm();
            register_module("crossAttention", CrossAttention);
            register_module("crossNorm", CrossNorm);
            _cross = new ResidualLayer(CrossNorm, CrossAttention, shape.Dropout, shape.NormFirst);
        }
        FeedForward = new FeedForward(hidden, size, shape.Activation, shape.Bias, precision, Deviation(hidden, size),
            Deviation(size, hidden), random, shape.ActivationDropout);
        FeedForwardNorm = CreateNorm();
        register_module("feedForward", FeedForward);
        register_module("feedForwardNorm", FeedForwardNorm);
        _feedForward = new ResidualLayer(FeedForwardNorm, FeedForward, shape.Dropout, shape.NormFirst);
    }

    /// <summary>The self-attention layer.</summary>
    public MultiHeadAttention Attention { get; }

    /// <summary>The normalisation of self-attention.</summary>
    public Norm AttentionNorm { get; }

    /// <summary>The cross-attention layer, or null.</summary>
    public MultiHeadAttention? CrossAttention { get; }

    /// <summary>The normalisation of cross-attention, or null.</summary>
    public Norm? CrossNorm { get; }

    /// <summary>The feed-forward layer.</summary>
    public FeedForward FeedForward { get; }

    /// <summary>The normalisation of the feed-forward layer.</summary>
    public Norm FeedForwardNorm { get; }

    /// <summary>Computes the block.</summary>
    /// <param name="x">The residual stream, [batch, time, hidden].</param>
    /// <param name="self">The mask, the bias and the cache of self-attention, or null.</param>
    /// <param name="source">The encoded source with its mask and cache, for blocks with cross-attention.</param>
    /// <returns>[batch, time, hidden].</returns>
    public Tensor Forward(Tensor x, AttentionContext? self = null, AttentionContext? source = null)
    {
        x = _attention.Forward(x, self);
        if (_cross is not null)
            x = _cross.Forward(x, source);
        return _feedForward.Forward(x);
    }

    /// <summary>The kernels that compute the block in training; null if none can for these inputs.</summary>
    internal IReadOnlyList<IKernelLayer>? KernelsFor(Tensor x, KernelContext context)
    {
        var kernels = new List<IKernelLayer>();
        foreach (ISequenceLayer? layer in (ReadOnlySpan<ISequenceLayer?>)[_attention, _cross, _feedForward])
        {
            if (layer is null)
                continue;
            if (layer.KernelsFor(x, context) is not { } own)
                return null;
            kernels.AddRange(own);
        }
        return kernels;
    }

    /// <summary>
    /// Scales the initial weights of queries where the scores of attention are not multiplied by 1/√headSize, so that
    /// they begin equally large (Raffel et al. 2020, in T5's code).
    /// </summary>
    private static void ScaleQueries(MultiHeadAttention layer)
    {
        if (layer.Product.Scale is not { } scale)
            return;
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Tensor queries = layer.QueryKeyValue.Weight.narrow(0, 0, layer.Shape.QuerySize);
        queries.copy_(queries.Times(1 / (scale * Math.Sqrt(layer.Shape.HeadSize))));
    }
}
