using System.ComponentModel.DataAnnotations;
using Atelier.Data.Images;
using Atelier.Layers;

namespace Atelier.Models.Gan;

/// <summary>
/// The configuration of a generative adversarial network: its two networks, its losses, and what keeps them in balance.
/// </summary>
public sealed record GanConfig
{
    /// <summary>The architecture of both networks: dcgan or residual.</summary>
    public GanNetworks Networks { get; init; } = GanNetworks.Dcgan;

    /// <summary>
    /// Channels of the generator, from the lowest resolution to the highest; each level doubles width and height. The
    /// discriminator has the same in reverse.
    /// </summary>
    public IReadOnlyList<int> Channels { get; init; } = (int[])[128, 64];

    /// <summary>The size of the generator's noise vector.</summary>
    [Range(1, 4096)]
    public int NoiseSize { get; init; } = 64;

    /// <summary>
    /// Group normalisation in the generator. It stabilises training, but removes the strength of features, which a
    /// generator with few channels needs for diverse images.
    /// </summary>
    public bool GroupNorm { get; init; } = true;

    /// <summary>The adversarial loss.</summary>
    public GanLoss Loss { get; init; } = GanLoss.Hinge;

    /// <summary>
    /// Spectral normalisation: divides the discriminator's weights by their largest singular value, which bounds its
    /// slope (Miyato et al. 2018).
    /// </summary>
    public bool SpectralNorm { get; init; } = true;

    /// <summary>
    /// The weight λ of the gradient penalty between real and generated images (Gulrajani et al. 2017); 0 disables it,
    /// 10 is usual.
    /// </summary>
    [Range(0.0, 1e6)]
    public double GradientPenalty { get; init; }

    /// <summary>
    /// The weight γ of R1, the squared gradient at real images (Mescheder et al. 2018); 0 disables it.
    /// </summary>
    [Range(0.0, 1e6)]
    public double R1 { get; init; }

    /// <summary>How both networks receive the class: none, projection or classifier.</summary>
    public GanCondition Condition { get; init; }

    /// <summary>
    /// Shows the discriminator how much features differ between the images of a batch, so that it can detect a collapse
    /// (Karras et al. 2018, section 3).
    /// </summary>
    public bool BatchDeviation { get; init; }

    /// <summary>Number of discriminator updates for each generator update.</summary>
    [Range(1, 100)]
    public int DiscriminatorTurns { get; init; } = 1;

    /// <summary>The learning rate of the discriminator as a multiple of the generator's (Heusel et al. 2017).</summary>
    [Range(0.001, 1000.0)]
    public double DiscriminatorRate { get; init; } = 1;

    /// <summary>
    /// Random augmentation of both real and generated images in front of the discriminator, for small data sets (Zhao
    /// et al. 2020): colour, translation, cutout.
    /// </summary>
    public IReadOnlyList<Augmentation> Augment { get; init; } = [];

    /// <summary>Throws if the values do not fit together.</summary>
    /// <param name="schema">The size, channels and classes of the images.</param>
    /// <exception cref="AtelierException">They do not.</exception>
    public void Check(ImageSchema schema)
    {
        ConvolutionalEncoder.Check(Channels, schema.Width, schema.Height, "data.image");
        if (Condition != GanCondition.None && schema.Classes.Count == 0)
            throw new AtelierException("the images have no classes", "model.condition",
                "sort them into subfolders, or set condition: none");
        if (BatchDeviation && (GradientPenalty > 0 || R1 > 0))
            throw new AtelierException(
                "the gradient penalty needs independent images, but the batch deviation mixes them",
                "model.batchDeviation", "leave one of them out");
        if (Loss == GanLoss.Wasserstein && !SpectralNorm && GradientPenalty == 0)
            throw new AtelierException("the Wasserstein loss needs a Lipschitz-bounded critic", "model.loss",
                "set model.gradientPenalty to 10, or model.spectralNorm to true");
    }
}

/// <summary>Architectures of generator and discriminator.</summary>
public enum GanNetworks
{
    /// <summary>Convolutions and transposed convolutions of stride 2 (Radford et al. 2016).</summary>
    Dcgan,

    /// <summary>Residual blocks (Miyato et al. 2018, appendix B.4).</summary>
    Residual,
}

/// <summary>How both networks are conditioned on the class.</summary>
public enum GanCondition
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>
    /// The discriminator adds the product of its features and a vector of the class to its logit (Miyato and Koyama
    /// 2018, eq. 3).
    /// </summary>
    Projection,

    /// <summary>The discriminator classifies images; both networks minimise the error (Odena et al. 2017).</summary>
    Classifier,
}

/// <summary>Random changes of images that have gradients (Zhao et al. 2020, appendix A).</summary>
public enum Augmentation
{
    /// <summary>Brightness, saturation and contrast.</summary>
    Colour,

    /// <summary>A shift by up to an eighth of the side, filled with zeros.</summary>
    Translation,

    /// <summary>Sets a square of half the side to zero.</summary>
    Cutout,
}
