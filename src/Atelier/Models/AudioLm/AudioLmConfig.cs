using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Atelier.Data.Audio;
using Atelier.Layers;
using Atelier.Recipes;

namespace Atelier.Models.AudioLm;

/// <summary>
/// The configuration of a language model of sounds: a causal Transformer over the codes of a codec. The context that it
/// is trained on is a clip of the data.
/// </summary>
public sealed record AudioLmConfig
{
    /// <summary>The most steps of a clip: more need a codec with longer frames.</summary>
    internal const int MostSteps = 4096;

    /// <summary>
    /// The folder of a trained codec (a run or a bundle) whose codes are modelled; null models the samples themselves,
    /// in μ-law with 256 codes. The finished bundle contains the codec, and its config.json names no folder.
    /// </summary>
    [JsonIgnore]
    [NamesPath(RecipePath.Model)]
    public string? Codec { get; init; }

    /// <summary>The number of codebooks to model, from the coarsest one; null models all of the codec.</summary>
    [Range(1, 32)]
    public int? CodebookCount { get; init; }

    /// <summary>The number of Transformer blocks.</summary>
    [Range(1, 1000)]
    public int LayerCount { get; init; } = 4;

    /// <summary>The number of attention heads of a block; it divides the hidden size.</summary>
    [Range(1, 1024)]
    public int HeadCount { get; init; } = 4;

    /// <summary>The width of the residual stream.</summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 256;

    /// <summary>The dropout rate in training (Srivastava et al. 2014).</summary>
    [Range(0.0, 0.999)]
    public double Dropout { get; init; } = 0.1;

    /// <summary>Conditions the network on the class.</summary>
    public bool Conditional { get; init; }

    /// <summary>
    /// The share of training clips whose class is dropped, as classifier-free guidance needs (Ho and Salimans 2022).
    /// </summary>
    [Range(0.0, 1.0)]
    public double ClassDropout { get; init; } = 0.1;

    /// <summary>The inner width of the feed-forward layers.</summary>
    [JsonIgnore]
    internal int FeedForwardSize => 4 * HiddenSize;

    /// <summary>Throws if the configuration does not fit the sounds.</summary>
    /// <exception cref="AtelierException">It does not.</exception>
    internal void Check(AudioSchema schema, CodeShape codes)
    {
        AttentionShape.DividedSize(HiddenSize, HeadCount);
        if (Conditional && schema.Classes.Count == 0)
            throw new AtelierException("the sounds have no classes", "model.conditional",
                "sort them into subfolders, or set conditional: false");
        int steps = DelayPattern.Steps(codes);
        if (steps > MostSteps)
            throw new AtelierException($"a clip of {FormattableString.Invariant($"{schema.ClipSeconds:0.###}")} s has "
                + $"{steps} steps, and at most {MostSteps} are supported", "data.audio.clipSeconds",
                "name a trained codec in model.codec, or use shorter clips or a lower data.audio.sampleRate");
    }

    /// <summary>A lower bound of the number of weights of a model.</summary>
    internal Int128 LeastWeights(CodeShape codes) => ((Int128)12 * HiddenSize * HiddenSize * LayerCount)
        + ((Int128)2 * codes.Codebooks * codes.CodebookSize * HiddenSize);
}
