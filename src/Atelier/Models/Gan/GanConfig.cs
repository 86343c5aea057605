using System.ComponentModel.DataAnnotations;
using Atelier.Data.Images;

namespace Atelier.Models.Gan;

/// <summary>
/// A generative adversarial network: the pair of networks, the loss of their game, and how they are held in balance.
/// </summary>
public sealed record GanConfig
{
    /// <summary>The pair of networks: dcgan or residual.</summary>
    public GanNetworks Networks { get; init; } = GanNetworks.Dcgan;

    /// <summary>
    /// Channels of the generator from the smallest pictures to the largest; each level doubles width and height. The
    /// discriminator has the same in reverse.
    /// </summary>
    public IReadOnlyList<int> Channels { get; init; } = (int[])[128, 64];

    /// <summary>Random numbers that a picture is made of.</summary>
    [Range(1, 4096)]
    public int NoiseSize { get; init; } = 64;

    /// <summary>
    /// Group norm in the generator. It steadies learning, but takes away how strong features are, which a generator of
    /// few channels needs to spread its pictures.
    /// </summary>
    public bool GroupNorm { get; init; } = true;

    /// <summary>What the two minimise.</summary>
    public GanLoss Loss { get; init; } = GanLoss.Hinge;

    /// <summary>
    /// Divides the discriminator's weights by their largest singular value, so that its slope is bounded (Miyato et al.
    /// 2018).
    /// </summary>
    public bool SpectralNorm { get; init; } = true;

    /// <summary>
    /// The weight λ of the gradient penalty between real and made pictures (Gulrajani et al. 2017); 0 takes none, 10 is
    /// usual.
    /// </summary>
    [Range(0.0, 1e6)]
    public double GradientPenalty { get; init; }

    /// <summary>
    /// The weight γ of R1, the squared gradient at real pictures (Mescheder et al. 2018); 0 takes none.
    /// </summary>
    [Range(0.0, 1e6)]
    public double R1 { get; init; }

    /// <summary>How the class is told: none, projection or classifier.</summary>
    public GanCondition Condition { get; init; }

    /// <summary>
    /// Tells the discriminator how much a batch's features differ from picture to picture, so that it sees a collapse
    /// (Karras et al. 2018, section 3).
    /// </summary>
    public bool BatchDeviation { get; init; }

    /// <summary>Moves of the discriminator for one of the generator.</summary>
    [Range(1, 100)]
    public int DiscriminatorTurns { get; init; } = 1;

    /// <summary>The discriminator's learning rate as a multiple of the generator's (Heusel et al. 2017).</summary>
    [Range(0.001, 1000.0)]
    public double DiscriminatorRate { get; init; } = 1;

    /// <summary>
    /// Changes at random that both real and made pictures undergo before the discriminator sees them, for little data
    /// (Zhao et al. 2020): colour, translation, cutout.
    /// </summary>
    public IReadOnlyList<Augmentation> Augment { get; init; } = [];

    /// <summary>Throws where the parts do not fit together.</summary>
    /// <param name="schema">What the pictures have in common.</param>
    /// <exception cref="AtelierException">They do not.</exception>
    public void Check(ImageSchema schema)
    {
        if (Channels.Count is 0 or > 6 || Channels.Any(c => c < 8 || c % 8 != 0 || c > 4096))
            throw new AtelierException("channels are multiples of 8, 1 to 6 levels", "model.channels",
                "write [128, 64]");
        int doublings = 1 << Channels.Count;
        if (schema.Width % doublings != 0 || schema.Height % doublings != 0)
            throw new AtelierException(
                $"pictures of {schema.Width} × {schema.Height} cannot be halved {Channels.Count} times",
                "model.channels", "take fewer levels, or other data.image.width and height");
        if (Condition != GanCondition.None && schema.Classes.Count == 0)
            throw new AtelierException("the pictures have no classes", "model.condition",
                "sort them into subfolders, or write condition: none");
        if (BatchDeviation && (GradientPenalty > 0 || R1 > 0))
            throw new AtelierException(
                "a gradient penalty is on single pictures, the batch's deviation on all together",
                "model.batchDeviation", "leave one of them out");
        if (Loss == GanLoss.Wasserstein && !SpectralNorm && GradientPenalty == 0)
            throw new AtelierException("the Wasserstein loss needs a critic of bounded slope", "model.loss",
                "set model.gradientPenalty to 10, or model.spectralNorm to true");
    }
}
