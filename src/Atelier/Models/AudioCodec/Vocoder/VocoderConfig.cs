using System.ComponentModel.DataAnnotations;
using Atelier.Data.Audio;
using Atelier.Runs;

namespace Atelier.Models.AudioCodec.Vocoder;

/// <summary>
/// The configuration of a vocoder: its network and its losses. The spectrograms are those of the data.
/// </summary>
public sealed record VocoderConfig
{
    private const int LargestStride = 8, MostChannels = 4096;

    /// <summary>Channels at the full sample rate; each level below has twice as many.</summary>
    [Range(1, 512)]
    public int Width { get; init; } = 32;

    /// <summary>Residual units in each level; the dilation of unit n is 3ⁿ.</summary>
    [Range(0, 4)]
    public int Blocks { get; init; } = 2;

    /// <summary>The weight of the distance between spectra: the mean over resolutions, in bels.</summary>
    [Range(0.0, 1e4)]
    public double SpectralWeight { get; init; } = 15;

    /// <summary>
    /// Whether discriminators of spectrograms learn to distinguish computed sounds from original ones, and the vocoder
    /// learns to deceive them.
    /// </summary>
    public bool Adversarial { get; init; } = true;

    /// <summary>The step with which the discriminators begin.</summary>
    [Range(0, int.MaxValue)]
    public int AdversarialStart { get; init; } = 1000;

    /// <summary>The weight of the adversarial loss of the vocoder.</summary>
    [Range(0.0, 1e4)]
    public double AdversarialWeight { get; init; } = 1;

    /// <summary>
    /// The weight of the distance between the discriminators' features of computed and original sounds, as a share of
    /// their mean size.
    /// </summary>
    [Range(0.0, 1e4)]
    public double FeatureWeight { get; init; } = 2;

    /// <summary>Channels of the first layer of each discriminator.</summary>
    [Range(1, 512)]
    public int DiscriminatorChannels { get; init; } = 16;

    /// <summary>
    /// Returns the decoder: a level for each factor of the hop, of at most 8 where the hop has such factors.
    /// </summary>
    /// <param name="mel">The settings of the spectrograms.</param>
    /// <exception cref="AtelierException">The hop is prime and large, or the levels become too wide.</exception>
    internal AudioCodecConfig Decoder(MelSettings mel)
    {
        var strides = new List<int>();
        for (int rest = mel.Hop; rest > 1; rest /= strides[^1])
        {
            int factor = Enumerable.Range(2, LargestStride - 1).Reverse().FirstOrDefault(n => rest % n == 0);
            if (factor == 0)
                throw new AtelierException($"a hop of {mel.Hop} samples has no factors of at most {LargestStride}",
                    "data.audio.spectrogram.hop", "use a power of two, such as 128");
            strides.Add(factor);
        }
        if (strides.Count == 0 || (long)Width << (strides.Count - 1) > MostChannels)
            throw new AtelierException($"{strides.Count} levels from a width of {Width} are not possible",
                "model.width", "use a smaller width, or a hop such as 128");
        strides.Reverse(); // long strides are last, next to the spectrogram, where few positions are computed
        return new AudioCodecConfig
        {
            Channels = [.. strides.Select((_, level) => Width << level)], Strides = strides, Blocks = Blocks,
            CodeDimension = mel.MelCount,
        };
    }

    /// <summary>A lower bound of the number of stored values of a model.</summary>
    internal Int128 LeastWeights(MelSettings mel) => Decoder(mel).Channels
        .Aggregate((Int128)0, (sum, channels) => sum + ((Int128)Blocks * 4 * channels * channels));
}
