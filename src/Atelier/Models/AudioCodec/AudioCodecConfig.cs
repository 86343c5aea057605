using System.ComponentModel.DataAnnotations;
using Atelier.Data.Audio;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// The configuration of a learned audio codec: its encoder and decoder, its codebooks, and its losses. The sample rate
/// and the number of channels are those of the data.
/// </summary>
public sealed record AudioCodecConfig
{
    private const int MostStride = 64, MostHop = 4096, MostChannels = 4096, MostLevels = 8;

    /// <summary>
    /// Channels of the encoder's levels, from the samples to the codes; the decoder has the same in reverse.
    /// </summary>
    public IReadOnlyList<int> Channels { get; init; } = [64, 128, 256];

    /// <summary>
    /// The factor by which each level of the encoder shortens time. Their product is the number of samples that a frame
    /// of codes stands for.
    /// </summary>
    public IReadOnlyList<int> Strides { get; init; } = [8, 5, 4];

    /// <summary>Residual units in each level; the dilation of unit n is 3ⁿ.</summary>
    [Range(0, 4)]
    public int Blocks { get; init; } = 2;

    /// <summary>
    /// The number of codebooks, each of which codes what the ones before it leave (Zeghidour et al. 2021, section
    /// III.C).
    /// </summary>
    [Range(1, 32)]
    public int CodebookCount { get; init; } = 6;

    /// <summary>The number of codes of a codebook: a power of two, since a code is stored in whole bits.</summary>
    [Range(2, 65_536)]
    public int CodebookSize { get; init; } = 1024;

    /// <summary>The size of a code.</summary>
    [Range(1, 1024)]
    public int CodeDimension { get; init; } = 64;

    /// <summary>The decay of the moving averages that codes are.</summary>
    [Range(0.0, 0.99999)]
    public double CodeDecay { get; init; } = 0.99;

    /// <summary>
    /// The share of training clips that are coded with a random number of codebooks, so that one model serves several
    /// rates (Zeghidour et al. 2021, section III.C; Kumar et al. 2023).
    /// </summary>
    [Range(0.0, 1.0)]
    public double CodebookDropout { get; init; } = 0.5;

    /// <summary>The weight of the distance between spectra: the mean over resolutions, in bels.</summary>
    [Range(0.0, 1e4)]
    public double SpectralWeight { get; init; } = 15;

    /// <summary>The weight of the distance between samples, as a share of their mean size.</summary>
    [Range(0.0, 1e4)]
    public double WaveformWeight { get; init; } = 2;

    /// <summary>
    /// The weight that keeps the encoder's vectors near their codes: of their mean squared distance, as a share of the
    /// vectors' mean square.
    /// </summary>
    [Range(0.0, 1e4)]
    public double Commitment { get; init; } = 1;

    /// <summary>
    /// Whether discriminators of spectrograms learn to distinguish coded sounds from original ones, and the codec
    /// learns to deceive them.
    /// </summary>
    public bool Adversarial { get; init; } = true;

    /// <summary>The step with which the discriminators begin.</summary>
    [Range(0, int.MaxValue)]
    public int AdversarialStart { get; init; } = 1000;

    /// <summary>The weight of the adversarial loss of the codec.</summary>
    [Range(0.0, 1e4)]
    public double AdversarialWeight { get; init; } = 1;

    /// <summary>
    /// The weight of the distance between the discriminators' features of coded and original sounds, as a share of
    /// their mean size.
    /// </summary>
    [Range(0.0, 1e4)]
    public double FeatureWeight { get; init; } = 2;

    /// <summary>Channels of the first layer of each discriminator.</summary>
    [Range(1, 512)]
    public int DiscriminatorChannels { get; init; } = 16;

    /// <summary>The number of samples that a frame of codes stands for.</summary>
    internal int FrameLength => Strides.Aggregate(1, (product, stride) => product * stride);

    /// <summary>Throws if the values do not fit together.</summary>
    /// <param name="schema">The sample rate, channels and length of the clips.</param>
    /// <exception cref="AtelierException">They do not.</exception>
    public void Check(AudioSchema schema)
    {
        if (Channels.Count is 0 or > MostLevels || Channels.Any(count => count is < 1 or > MostChannels))
            throw new AtelierException($"channels [{string.Join(", ", Channels)}] are not possible", "model.channels",
                $"write 1 to {MostLevels} numbers from 1 to {MostChannels}");
        if (Strides.Count != Channels.Count || Strides.Any(stride => stride is < 2 or > MostStride))
            throw new AtelierException($"strides [{string.Join(", ", Strides)}] do not fit "
                + $"{Quantity.Of(Channels.Count, "level")} of channels", "model.strides",
                $"write {Channels.Count} numbers from 2 to {MostStride}");
        if (Strides.Aggregate(1L, (product, stride) => product * stride) > Math.Min(MostHop, schema.ClipFrames))
            throw new AtelierException($"a frame of codes would be longer than {Math.Min(MostHop, schema.ClipFrames)} "
                + "samples", "model.strides", "lower the strides, or raise data.audio.clipSeconds");
        if (!int.IsPow2(CodebookSize))
            throw new AtelierException($"a codebook of {CodebookSize} codes wastes bits", "model.codebookSize",
                "write a power of two, such as 1024");
    }

    /// <summary>A lower bound of the number of stored values of a model.</summary>
    internal Int128 LeastWeights(AudioSchema schema)
    {
        Int128 codebooks = (Int128)CodebookCount * CodebookSize * ((2 * CodeDimension) + 1), networks = 0;
        int inputs = schema.Channels;
        foreach ((int channels, int stride) in Channels.Zip(Strides))
        {
            networks += 2 * (((Int128)2 * inputs * stride * channels) + ((Int128)Blocks * 4 * channels * channels));
            inputs = channels;
        }
        return codebooks + networks;
    }
}
