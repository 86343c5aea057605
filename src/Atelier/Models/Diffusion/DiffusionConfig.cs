using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Atelier.Recipes;

namespace Atelier.Models.Diffusion;

/// <summary>
/// The configuration of a diffusion or flow-matching model: the noise schedule, the prediction target and the network.
/// </summary>
public sealed record DiffusionConfig
{
    private const int MostPlaces = 4096; // of a transformer, since the cost of attention grows with their square

    /// <summary>The noise schedule: flow, cosine or linear.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Flow;

    /// <summary>The prediction target of the network.</summary>
    public PredictionKind Prediction { get; init; } = PredictionKind.Velocity;

    /// <summary>
    /// The distribution of training times: uniform over (0, 1), or logit-normal, which favours the middle.
    /// </summary>
    public TimeDistribution Times { get; init; } = TimeDistribution.LogitNormal;

    /// <summary>
    /// How far the times of training and sampling are shifted towards noise: the noise-to-signal ratio becomes this
    /// many times as large (Esser et al. 2024, eq. 23). 1 is no shift; the more pixels show the same thing, the more
    /// noise is needed to hide it.
    /// </summary>
    [Range(0.01, 100.0)]
    public double TimeShift { get; init; } = 1;

    /// <summary>
    /// The folder of a trained VAE (a run or a bundle) whose grid of latents the model works in; null works on pixels.
    /// The finished bundle contains the VAE, and its config.json names no folder.
    /// </summary>
    [JsonIgnore]
    [NamesPath(RecipePath.Model)]
    public string? Autoencoder { get; init; }

    /// <summary>Conditions the network on the class.</summary>
    public bool Conditional { get; init; }

    /// <summary>
    /// The fraction of training images whose class is dropped, as classifier-free guidance needs (Ho and Salimans
    /// 2022).
    /// </summary>
    [Range(0.0, 0.9)]
    public double ClassDropout { get; init; } = 0.1;

    /// <summary>
    /// The architecture of the network: a U-Net, or a transformer over patches (DiT; Peebles and Xie 2023).
    /// </summary>
    public DenoiserKind Network { get; init; } = DenoiserKind.Unet;

    /// <summary>
    /// The side of a patch in pixels, which the network processes as one position. Must divide width and height.
    /// </summary>
    [Range(1, 16)]
    public int PatchSize { get; init; } = 2;

    /// <summary>For the U-Net: the channels of each level. Each level halves width and height.</summary>
    public IReadOnlyList<int> Channels { get; init; } = (int[])[64, 128];

    /// <summary>For the U-Net: number of blocks in each level, down and up.</summary>
    [Range(1, 16)]
    public int Blocks { get; init; } = 2;

    /// <summary>For the transformer: number of blocks.</summary>
    [Range(1, 1000)]
    public int LayerCount { get; init; } = 6;

    /// <summary>For the transformer: number of attention heads in a block. Must divide the hidden size.</summary>
    [Range(1, 1024)]
    public int HeadCount { get; init; } = 6;

    /// <summary>For the transformer: the width; a multiple of 4.</summary>
    [Range(4, 1 << 16)]
    public int HiddenSize { get; init; } = 192;

    /// <summary>
    /// The upscaling factor from a given small image; 1 generates from noise alone (Saharia et al. 2021).
    /// </summary>
    [Range(1, 8)]
    public int Upscale { get; init; } = 1;

    /// <summary>
    /// For upscaling: the largest amount of noise added to small images in training, as a time of the schedule (Ho et
    /// al. 2021, section 4.2).
    /// </summary>
    [Range(0.0, 0.9)]
    public double UpscaleNoise { get; init; } = 0.3;

    /// <summary>
    /// The number of sampling steps in which the model learns to do what training.teacher does in its own; above 0, the
    /// model samples in just so many, and the guidance of its teacher is part of what it has learned (Salimans and Ho
    /// 2022; Meng et al. 2023). 0 learns from images.
    /// </summary>
    [Range(0, 64)]
    public int DistilledSteps { get; init; }

    /// <summary>Throws if the values do not fit together.</summary>
    /// <param name="width">The width of images or latents.</param>
    /// <param name="height">The height of images or latents.</param>
    /// <exception cref="AtelierException">They do not.</exception>
    public void Check(int width, int height)
    {
        if (width % Upscale != 0 || height % Upscale != 0)
            throw new AtelierException(
                $"the image size {width} × {height} is not divisible by {Upscale}", "model.upscale",
                "use 2 or 4, or another data.image.width and height");
        if (width % PatchSize != 0 || height % PatchSize != 0)
        {
            throw Autoencoder is null
                ? new AtelierException($"patches of {PatchSize} do not divide images of {width} × {height}",
                    "model.patchSize", "use 1, 2 or 4, or another data.image.width and height")
                : new AtelierException($"patches of {PatchSize} do not divide latents of {width} × {height}",
                    "model.patchSize", "take 1");
        }
        if (Network == DenoiserKind.Dit)
            CheckTransformer(HiddenSize, HeadCount, (long)(width / PatchSize) * (height / PatchSize));
        else
            CheckLevels(Channels, width / PatchSize, height / PatchSize);
    }

    /// <summary>Throws if a grid cannot be halved once for each further level of a U-Net.</summary>
    /// <param name="channels">The channels of each level.</param>
    /// <param name="width">The width of the grid.</param>
    /// <param name="height">The height of the grid.</param>
    /// <exception cref="AtelierException">It cannot.</exception>
    internal static void CheckLevels(IReadOnlyList<int> channels, int width, int height)
    {
        if (channels.Count is 0 or > 6 || channels.Any(c => c < 8 || c % 8 != 0 || c > 4096))
            throw new AtelierException("channels needs 1 to 6 levels, each a multiple of 8", "model.channels",
                "write [64, 128]");
        int halves = 1 << (channels.Count - 1);
        if (width % halves != 0 || height % halves != 0)
            throw new AtelierException($"a grid of {width} × {height} cannot be halved {channels.Count - 1} times",
                "model.channels", "use fewer levels");
    }

    /// <summary>Throws if a transformer cannot have a width and heads, or attends to too many positions.</summary>
    /// <param name="hiddenSize">The width.</param>
    /// <param name="headCount">Attention heads in a block.</param>
    /// <param name="positions">The number of patches.</param>
    /// <exception cref="AtelierException">It cannot, or does.</exception>
    internal static void CheckTransformer(int hiddenSize, int headCount, long positions)
    {
        if (hiddenSize % 4 != 0)
            throw new AtelierException(
                $"hiddenSize {hiddenSize} is not a multiple of 4, as two-dimensional sinusoidal positions need",
                "model.hiddenSize", $"use {hiddenSize / 4 * 4} or {(hiddenSize / 4 * 4) + 4}");
        if (hiddenSize % headCount != 0)
        {
            IEnumerable<int> divisors = Enumerable.Range(1, Math.Min(16, hiddenSize)).Where(n => hiddenSize % n == 0);
            throw new AtelierException($"hiddenSize {hiddenSize} is not divisible by headCount {headCount}",
                "model.headCount", $"use one of {string.Join(", ", divisors)}");
        }
        if (positions > MostPlaces)
            throw new AtelierException($"{positions} positions are too many for attention",
                "model.patchSize", $"use larger patches; allowed: {MostPlaces} positions");
    }
}

/// <summary>Architectures of denoising networks.</summary>
public enum DenoiserKind
{
    /// <summary>
    /// A U-Net: residual convolutions whose levels halve width and height on the way down and double them on the way
    /// up.
    /// </summary>
    Unet,

    /// <summary>A transformer over patches.</summary>
    Dit,
}

/// <summary>Distributions of training times.</summary>
public enum TimeDistribution
{
    /// <summary>Uniform.</summary>
    Uniform,

    /// <summary>The logistic function of a standard normal number (Esser et al. 2024, section 3.1).</summary>
    LogitNormal,
}
