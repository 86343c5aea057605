using System.ComponentModel.DataAnnotations;
using Atelier.Data.Video;
using Atelier.Layers;

namespace Atelier.Models.VideoLm;

/// <summary>
/// The configuration of a language model of videos: the autoencoder that turns frames into codes, and the Transformer
/// that predicts the codes of a clip.
/// </summary>
public sealed record VideoLmConfig
{
    /// <summary>The most codes of a clip.</summary>
    internal const int MostPositions = 8192;

    /// <summary>
    /// The channels of each level of the autoencoder. Each level halves width and height: two levels make 64 codes of
    /// a frame of 32 × 32.
    /// </summary>
    public IReadOnlyList<int> Channels { get; init; } = (int[])[32, 64];

    /// <summary>Number of residual blocks in each level of encoder and decoder.</summary>
    [Range(0, 16)]
    public int Blocks { get; init; } = 1;

    /// <summary>Number of codes in the codebook.</summary>
    [Range(2, 65_536)]
    public int Codes { get; init; } = 256;

    /// <summary>The size of a code.</summary>
    [Range(1, 4096)]
    public int LatentSize { get; init; } = 16;

    /// <summary>
    /// The weight of the commitment loss, the distance of encodings from their codes (van den Oord et al. 2017, eq. 3).
    /// </summary>
    [Range(0.0, 1000.0)]
    public double Commitment { get; init; } = 0.25;

    /// <summary>The decay of the moving averages of the codes (van den Oord et al. 2017, eq. 6).</summary>
    [Range(0.0, 0.99999)]
    public double CodeDecay { get; init; } = 0.99;

    /// <summary>The number of Transformer blocks.</summary>
    [Range(1, 1000)]
    public int LayerCount { get; init; } = 4;

    /// <summary>The number of attention heads of a block; it divides the hidden size.</summary>
    [Range(1, 1024)]
    public int HeadCount { get; init; } = 4;

    /// <summary>The width of the residual stream.</summary>
    [Range(1, 1 << 16)]
    public int HiddenSize { get; init; } = 256;

    /// <summary>The dropout rate of the Transformer in training (Srivastava et al. 2014).</summary>
    [Range(0.0, 0.999)]
    public double Dropout { get; init; }

    /// <summary>Conditions the Transformer on the class.</summary>
    public bool Conditional { get; init; }

    /// <summary>
    /// The share of training clips whose class is dropped, as classifier-free guidance needs (Ho and Salimans 2022).
    /// </summary>
    [Range(0.0, 1.0)]
    public double ClassDropout { get; init; } = 0.1;

    /// <summary>The number of codes of a frame.</summary>
    internal int PositionsOfFrame(VideoSchema schema) =>
        (schema.Width >> Channels.Count) * (schema.Height >> Channels.Count);

    /// <summary>Throws if the values do not fit together or do not fit clips.</summary>
    /// <exception cref="AtelierException">They do not.</exception>
    internal void Check(VideoSchema schema)
    {
        ConvolutionalEncoder.Check(Channels, schema.Width, schema.Height, "data.video");
        AttentionShape.DividedSize(HiddenSize, HeadCount);
        if ((long)PositionsOfFrame(schema) * schema.Frames is > MostPositions and var positions)
            throw new AtelierException($"a clip has {positions} codes, and at most {MostPositions} are supported",
                "model.channels", "add a level, which halves width and height, or set fewer data.video.frames");
        if (Conditional && schema.Classes.Count == 0)
            throw new AtelierException("the videos have no classes", "model.conditional",
                "sort them into subfolders, or set conditional: false");
    }
}
