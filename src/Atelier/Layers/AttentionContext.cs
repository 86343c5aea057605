using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>What an attention layer takes besides the sequence that asks. Every part is optional.</summary>
public sealed record AttentionContext
{
    /// <summary>
    /// The sequence that keys and values are made of, [batch, span, sourceSize]: for layers made with a
    /// <see cref="AttentionShape.SourceSize"/> alone.
    /// </summary>
    public Tensor? Source { get; init; }

    /// <summary>True at keys that are padding, which no query sees, [batch, span], bool.</summary>
    public Tensor? Padding { get; init; }

    /// <summary>
    /// Numbers added to the scores before the softmax, [headCount or 1, batch or 1, time or 1, span]: relative
    /// positions (Raffel et al. 2020, section 2.1), distances (Press et al. 2022). Finite; gradients flow to it.
    /// </summary>
    public Tensor? Bias { get; init; }

    /// <summary>
    /// Keys and values of what came before. Those of the sequence are appended to it; those of a source are kept at the
    /// first call, after which the source is not read again.
    /// </summary>
    public KeyValueCache? Cache { get; init; }
}
