using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>The inputs of an attention layer besides the queries' sequence. Each of them is optional.</summary>
public sealed record AttentionContext
{
    /// <summary>
    /// The sequence that keys and values are computed from, [batch, span, sourceSize], in cross-attention: for layers
    /// with a <see cref="AttentionShape.SourceSize"/> only.
    /// </summary>
    public Tensor? Source { get; init; }

    /// <summary>True at keys that are padding, to which no query attends, [batch, span], bool.</summary>
    public Tensor? Padding { get; init; }

    /// <summary>
    /// Finite numbers added to the scores before the softmax, [headCount or 1, batch or 1, time or 1, span]: relative
    /// positions (Raffel et al. 2020, section 2.1) or distances (Press et al. 2022). Gradients flow to them.
    /// </summary>
    public Tensor? Bias { get; init; }

    /// <summary>
    /// Keys and values of earlier positions. In self-attention, those of the sequence are appended. In cross-attention,
    /// those of the source are stored by the first call, and later calls do not read the source.
    /// </summary>
    public KeyValueCache? Cache { get; init; }

    /// <summary>
    /// Where the texts are that rows hold, so that each is attended to alone, with positions from 0; null if each row
    /// is one text. For causal self-attention without a cache and without a bias.
    /// </summary>
    public PackedTexts? Packed { get; init; }

    /// <summary>
    /// Receives the weights of attention, averaged over heads, [batch, time, span], fp32, where they are wanted. Not
    /// for causal attention.
    /// </summary>
    public Action<Tensor>? ReportWeights { get; init; }
}
