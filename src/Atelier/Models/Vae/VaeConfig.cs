using System.ComponentModel.DataAnnotations;
using Atelier.Data.Images;
using Atelier.Layers;
using Atelier.Runs;

namespace Atelier.Models.Vae;

/// <summary>
/// A variational autoencoder: its networks, what its latents are, and how pictures are taken to come from them.
/// </summary>
public sealed record VaeConfig
{
    private const int MostWidth = 8192;
    private const long MostPriorValues = 1 << 26;

    /// <summary>The encoder and decoder: convolutional or dense.</summary>
    public NetworkKind Network { get; init; } = NetworkKind.Convolutional;

    /// <summary>
    /// Channels of each level of convolutional networks; each level has half the width and height of the one before,
    /// the first half of the picture's.
    /// </summary>
    public IReadOnlyList<int> Channels { get; init; } = (int[])[32, 64];

    /// <summary>Residual blocks of each level, of the encoder and of the decoder.</summary>
    [Range(0, 16)]
    public int Blocks { get; init; } = 1;

    /// <summary>Widths of the hidden layers of a dense encoder; the decoder's are the same backwards.</summary>
    public IReadOnlyList<int> Hidden { get; init; } = (int[])[512];

    /// <summary>
    /// Whether Gaussian latents are a vector for the whole picture, or stand at the places of a convolutional network's
    /// smallest level.
    /// </summary>
    public LatentsKind Latents { get; init; } = LatentsKind.Vector;

    /// <summary>
    /// Numbers that a picture is put into; in a grid, at each place; with codes, the width of a code.
    /// </summary>
    [Range(1, 4096)]
    public int LatentSize { get; init; } = 16;

    /// <summary>Whether encoder and decoder are told the class.</summary>
    public bool Conditional { get; init; }

    /// <summary>
    /// How pixels are taken to be distributed around what the decoder says: gaussian, or bernoulli for pictures made
    /// black and white.
    /// </summary>
    public LikelihoodKind Likelihood { get; init; } = LikelihoodKind.Gaussian;

    /// <summary>
    /// The variance of every pixel under a Gaussian likelihood, where white is 1 and black −1; null learns it (Rybkin
    /// et al. 2021, section 3.1).
    /// </summary>
    [Range(1e-6, 100.0)]
    public double? Variance { get; init; }

    /// <summary>How pictures become black and white for a Bernoulli likelihood.</summary>
    public BinarisationKind Binarisation { get; init; } = BinarisationKind.Dynamic;

    /// <summary>
    /// The weight of the divergence from the prior; 1 gives the evidence lower bound (Higgins et al. 2017, eq. 4).
    /// </summary>
    [Range(0.0, 1000.0)]
    public double Beta { get; init; } = 1;

    /// <summary>
    /// The divergence in nats of each latent number below which nothing is charged (Kingma et al. 2016, eq. 15).
    /// </summary>
    [Range(0.0, 100.0)]
    public double FreeBits { get; init; }

    /// <summary>
    /// Normal distributions in the prior of each class (of all pictures without classes) that is fitted to the training
    /// pictures' latents when training ends, and that pictures are drawn from; 0 draws from the standard normal one, as
    /// a grid does.
    /// </summary>
    [Range(0, 1000)]
    public int PriorComponents { get; init; } = 10;

    /// <summary>
    /// Discrete latents: the number of codes in the codebook; 0 takes Gaussian latents (van den Oord et al. 2017).
    /// </summary>
    [Range(0, 65_536)]
    public int Codes { get; init; }

    /// <summary>The weight of the encoder's distance to its codes (van den Oord et al. 2017, eq. 3).</summary>
    [Range(0.0, 1000.0)]
    public double Commitment { get; init; } = 0.25;

    /// <summary>The decay of the codes' moving averages (van den Oord et al. 2017, eq. 6).</summary>
    [Range(0.0, 0.99999)]
    public double CodeDecay { get; init; } = 0.99;

    /// <summary>The width of the recurrent network that codes are drawn from, one place after another.</summary>
    [Range(8, 4096)]
    public int CodePriorSize { get; init; } = 128;

    /// <summary>Whether latents stand at places, codes or not.</summary>
    internal bool HasGrid => Codes > 0 || Latents == LatentsKind.Grid;

    /// <summary>Throws where the parts do not fit together or do not fit the pictures.</summary>
    /// <exception cref="AtelierException">They do not.</exception>
    public void Check(ImageSchema schema)
    {
        if (Conditional && schema.Classes.Count == 0)
            throw new AtelierException("the pictures have no classes", "model.conditional",
                "sort them into subfolders, or write conditional: false");
        if (Codes == 1)
            throw new AtelierException("one code tells nothing", "model.codes",
                "take 2 and more, or 0 for Gaussian latents");
        if (Network == NetworkKind.Dense)
            CheckDense();
        else
            CheckConvolutional(schema);
        if (!HasGrid
            && (long)Math.Max(1, schema.Classes.Count) * PriorComponents * LatentSize * LatentSize > MostPriorValues)
            throw new AtelierException(
                $"{PriorComponents} components of {LatentSize} latents for {Math.Max(1, schema.Classes.Count)} "
                    + $"classes are too large a prior", "model.priorComponents", "take fewer, or 0");
    }

    private void CheckDense()
    {
        if (Hidden.Count is 0 or > 16 || Hidden.Any(h => h is < 1 or > MostWidth))
            throw new AtelierException($"hidden layers are 1 to 16, each 1 to {MostWidth} wide", "model.hidden",
                "write [512]");
        if (Codes > 0)
            throw new AtelierException("codes stand at places of a convolutional network's smallest level",
                "model.codes", "write network: convolutional, or codes: 0");
        if (Latents == LatentsKind.Grid)
            throw new AtelierException("a grid's places are those of a convolutional network's smallest level",
                "model.latents", "write network: convolutional, or latents: vector");
    }

    private void CheckConvolutional(ImageSchema schema)
    {
        if (Channels.Count is 0 or > 6
            || Channels.Any(c =>
            c < ResidualConvolution.Groups || c % ResidualConvolution.Groups != 0 || c > MostWidth))
            throw new AtelierException("channels are multiples of 8, 1 to 6 levels", "model.channels",
                "write [32, 64]");
        int halves = 1 << Channels.Count;
        if (schema.Width % halves != 0 || schema.Height % halves != 0)
            throw new AtelierException(
                $"pictures of {schema.Width} × {schema.Height} cannot be halved {Channels.Count} times",
                "model.channels", "take fewer levels, or other data.image.width and height");
    }
}

/// <summary>Kinds of encoders and decoders.</summary>
public enum NetworkKind
{
    /// <summary>Residual convolutions over levels of half the size each.</summary>
    Convolutional,

    /// <summary>Layers that connect everything to everything.</summary>
    Dense,
}

/// <summary>How Gaussian latents lie.</summary>
public enum LatentsKind
{
    /// <summary>One vector for the whole picture.</summary>
    Vector,

    /// <summary>
    /// A vector at each place of the smallest level, as latent diffusion takes them (Rombach et al. 2022, section 3.1).
    /// </summary>
    Grid,
}

/// <summary>How pixels are distributed around what a decoder says.</summary>
public enum LikelihoodKind
{
    /// <summary>Normal, with one variance for all.</summary>
    Gaussian,

    /// <summary>White or black, each pixel by itself.</summary>
    Bernoulli,
}

/// <summary>How grey pictures become black and white.</summary>
public enum BinarisationKind
{
    /// <summary>
    /// A pixel is white with its brightness as the chance, drawn anew each time (Burda et al. 2016, section 5).
    /// </summary>
    Dynamic,

    /// <summary>A pixel is white from half of the full brightness on.</summary>
    Static,
}
