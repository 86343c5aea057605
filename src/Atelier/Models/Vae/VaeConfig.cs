using System.ComponentModel.DataAnnotations;
using Atelier.Data.Images;
using Atelier.Layers;
using Atelier.Runs;

namespace Atelier.Models.Vae;

/// <summary>The configuration of a variational autoencoder: its networks, its latents and its likelihood.</summary>
public sealed record VaeConfig
{
    private const int MostWidth = 8192;
    private const long MostPriorValues = 1 << 26;

    /// <summary>The architecture of encoder and decoder: convolutional or dense.</summary>
    public NetworkKind Network { get; init; } = NetworkKind.Convolutional;

    /// <summary>
    /// For convolutional networks: the channels of each level. Each level halves width and height, the first one those
    /// of the image.
    /// </summary>
    public IReadOnlyList<int> Channels { get; init; } = (int[])[32, 64];

    /// <summary>Number of residual blocks in each level of encoder and decoder.</summary>
    [Range(0, 16)]
    public int Blocks { get; init; } = 1;

    /// <summary>
    /// For dense networks: widths of the encoder's hidden layers. The decoder has the same in reverse.
    /// </summary>
    public IReadOnlyList<int> Hidden { get; init; } = (int[])[512];

    /// <summary>
    /// Whether Gaussian latents form one vector for the whole image, or a grid with a vector at each position of the
    /// lowest resolution.
    /// </summary>
    public LatentsKind Latents { get; init; } = LatentsKind.Vector;

    /// <summary>The size of the latent vector; in a grid, at each position; with codes, the size of a code.</summary>
    [Range(1, 4096)]
    public int LatentSize { get; init; } = 16;

    /// <summary>Conditions encoder and decoder on the class.</summary>
    public bool Conditional { get; init; }

    /// <summary>
    /// The distribution of pixels given the decoder's output: gaussian, or bernoulli for binarised images.
    /// </summary>
    public LikelihoodKind Likelihood { get; init; } = LikelihoodKind.Gaussian;

    /// <summary>
    /// The variance of the Gaussian likelihood, where white is 1 and black is −1. Null learns it (Rybkin et al. 2021,
    /// section 3.1).
    /// </summary>
    [Range(1e-6, 100.0)]
    public double? Variance { get; init; }

    /// <summary>How images are binarised for a Bernoulli likelihood.</summary>
    public BinarisationKind Binarisation { get; init; } = BinarisationKind.Dynamic;

    /// <summary>
    /// The weight β of the KL divergence from the prior; 1 gives the evidence lower bound (Higgins et al. 2017, eq. 4).
    /// </summary>
    [Range(0.0, 1000.0)]
    public double Beta { get; init; } = 1;

    /// <summary>
    /// Free bits: the KL divergence of each latent dimension, in nats, below which there is no penalty (Kingma et al.
    /// 2016, eq. 15).
    /// </summary>
    [Range(0.0, 100.0)]
    public double FreeBits { get; init; }

    /// <summary>
    /// Number of normal distributions in the prior of each class (or of all images, without classes). The mixture is
    /// fitted to the latents of the training images when training ends, and images are drawn from it. 0 draws from the
    /// standard normal prior, as a grid does.
    /// </summary>
    [Range(0, 1000)]
    public int PriorComponents { get; init; } = 10;

    /// <summary>
    /// Number of codes in the codebook of discrete latents; 0 uses Gaussian latents (van den Oord et al. 2017).
    /// </summary>
    [Range(0, 65_536)]
    public int Codes { get; init; }

    /// <summary>
    /// The weight of the commitment loss, the distance of encodings from their codes (van den Oord et al. 2017, eq. 3).
    /// </summary>
    [Range(0.0, 1000.0)]
    public double Commitment { get; init; } = 0.25;

    /// <summary>The decay of the moving averages of the codes (van den Oord et al. 2017, eq. 6).</summary>
    [Range(0.0, 0.99999)]
    public double CodeDecay { get; init; } = 0.99;

    /// <summary>The width of the recurrent network that is the prior of codes.</summary>
    [Range(8, 4096)]
    public int CodePriorSize { get; init; } = 128;

    /// <summary>Whether latents have positions, as codes and grids have.</summary>
    internal bool HasGrid => Codes > 0 || Latents == LatentsKind.Grid;

    /// <summary>Throws if the values do not fit together or do not fit the images.</summary>
    /// <exception cref="AtelierException">They do not.</exception>
    public void Check(ImageSchema schema)
    {
        if (Conditional && schema.Classes.Count == 0)
            throw new AtelierException("the images have no classes", "model.conditional",
                "sort them into subfolders, or set conditional: false");
        if (Codes == 1)
            throw new AtelierException("a single code carries no information", "model.codes",
                "use 2 or more, or 0 for Gaussian latents");
        if (Network == NetworkKind.Dense)
            CheckDense();
        else
            ConvolutionalEncoder.Check(Channels, schema.Width, schema.Height, "data.image");
        if (!HasGrid
            && (long)Math.Max(1, schema.Classes.Count) * PriorComponents * LatentSize * LatentSize > MostPriorValues)
            throw new AtelierException(
                $"{PriorComponents} components of {LatentSize} latents for {Math.Max(1, schema.Classes.Count)} "
                    + $"classes make the prior too large", "model.priorComponents", "use fewer, or 0");
    }

    private void CheckDense()
    {
        if (Hidden.Count is 0 or > 16 || Hidden.Any(h => h is < 1 or > MostWidth))
            throw new AtelierException($"hidden needs 1 to 16 layers, each 1 to {MostWidth} wide", "model.hidden",
                "write [512]");
        if (Codes > 0)
            throw new AtelierException("codes need the spatial grid of a convolutional network",
                "model.codes", "set network: convolutional, or codes: 0");
        if (Latents == LatentsKind.Grid)
            throw new AtelierException("grid latents need the spatial grid of a convolutional network",
                "model.latents", "set network: convolutional, or latents: vector");
    }
}

/// <summary>Architectures of encoders and decoders.</summary>
public enum NetworkKind
{
    /// <summary>Residual convolutions; each level halves width and height.</summary>
    Convolutional,

    /// <summary>Fully connected layers.</summary>
    Dense,
}

/// <summary>How Gaussian latents are arranged.</summary>
public enum LatentsKind
{
    /// <summary>One vector for the whole image.</summary>
    Vector,

    /// <summary>
    /// A vector at each position of the lowest resolution, as in latent diffusion (Rombach et al. 2022, section 3.1).
    /// </summary>
    Grid,
}

/// <summary>The distribution of pixels given the decoder's output.</summary>
public enum LikelihoodKind
{
    /// <summary>Normal, with one variance for all pixels.</summary>
    Gaussian,

    /// <summary>Bernoulli, independent for each pixel.</summary>
    Bernoulli,
}

/// <summary>How grey images are binarised.</summary>
public enum BinarisationKind
{
    /// <summary>
    /// A pixel is white with probability equal to its brightness, drawn again each time (Burda et al. 2016, section 5).
    /// </summary>
    Dynamic,

    /// <summary>A pixel is white if its brightness is at least half of the maximum.</summary>
    Static,
}
