using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Atelier.Models.Diffusion.Samplers;

namespace Atelier.Models.Diffusion;

/// <summary>
/// A diffusion or flow-matching model: how noise comes in, what is predicted, the network, and how pictures are drawn.
/// </summary>
public sealed record DiffusionConfig
{
    private const int MostPlaces = 4096; // of a transformer: attention's products grow by their square

    /// <summary>How pictures turn into noise: flow, cosine or linear.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Flow;

    /// <summary>What the network predicts.</summary>
    public PredictionKind Prediction { get; init; } = PredictionKind.Velocity;

    /// <summary>
    /// How training times are drawn: over (0, 1) evenly, or as the logistic function of a normal number, which favours
    /// the middle.
    /// </summary>
    public TimeDistribution Times { get; init; } = TimeDistribution.LogitNormal;

    /// <summary>
    /// A trained VAE, a run's folder or a bundle's, in whose grid of latents the model works; null works on pixels. The
    /// finished
    /// model holds the VAE, so that its own config.json names no folder.
    /// </summary>
    [JsonIgnore]
    public string? Autoencoder { get; init; }

    /// <summary>Whether the network is told the class.</summary>
    public bool Conditional { get; init; }

    /// <summary>
    /// The share of training pictures whose class is kept from the network, so that guidance can compare (Ho and
    /// Salimans 2022).
    /// </summary>
    [Range(0.0, 0.9)]
    public double ClassDropout { get; init; } = 0.1;

    /// <summary>The network: a U-Net, or a transformer over patches (DiT; Peebles and Xie 2023).</summary>
    public DenoiserKind Network { get; init; } = DenoiserKind.Unet;

    /// <summary>Pixels of a side that the network takes as one place; divides width and height.</summary>
    [Range(1, 16)]
    public int PatchSize { get; init; } = 2;

    /// <summary>
    /// Channels of each level of the U-Net; each level has half the width and height of the one before.
    /// </summary>
    public IReadOnlyList<int> Channels { get; init; } = (int[])[64, 128];

    /// <summary>Blocks of each level of the U-Net, on the way down and on the way up.</summary>
    [Range(1, 16)]
    public int Blocks { get; init; } = 2;

    /// <summary>Blocks of the transformer, one on another.</summary>
    [Range(1, 1000)]
    public int LayerCount { get; init; } = 6;

    /// <summary>Attention heads of a block of the transformer; divides the hidden size.</summary>
    [Range(1, 1024)]
    public int HeadCount { get; init; } = 6;

    /// <summary>The width of the transformer; a multiple of 4.</summary>
    [Range(4, 1 << 16)]
    public int HiddenSize { get; init; } = 192;

    /// <summary>
    /// How many times as wide and high as a given small picture what is drawn is; 1 draws from noise alone (Saharia et
    /// al. 2021).
    /// </summary>
    [Range(1, 8)]
    public int Upscale { get; init; } = 1;

    /// <summary>
    /// The most noise that is laid over small pictures while learning to enlarge them, as a time of the schedule (Ho et
    /// al. 2021, section 4.2).
    /// </summary>
    [Range(0.0, 0.9)]
    public double UpscaleNoise { get; init; } = 0.3;

    /// <summary>The sampler where a request does not say: ancestral, ddim, euler, heun or dpm.</summary>
    public string Sampler { get; init; } = "heun";

    /// <summary>Its steps where a request does not say.</summary>
    [Range(1, 10_000)]
    public int SamplerSteps { get; init; } = 20;

    /// <summary>The weight of the class where a request does not say; 1 takes it as learned.</summary>
    [Range(0.0, 100.0)]
    public double Guidance { get; init; } = 1;

    /// <summary>Throws where the parts do not fit together.</summary>
    /// <param name="width">Of the pictures, or of their latents.</param>
    /// <param name="height">The same.</param>
    /// <exception cref="AtelierException">They do not.</exception>
    public void Check(int width, int height)
    {
        DiffusionSamplers.Find(Sampler);
        if (width % Upscale != 0 || height % Upscale != 0)
            throw new AtelierException(
                $"pictures of {width} × {height} are not {Upscale} times as large as smaller ones", "model.upscale",
                "take 2 or 4, or other data.image.width and height");
        if (width % PatchSize != 0 || height % PatchSize != 0)
        {
            throw Autoencoder is null
                ? new AtelierException($"patches of {PatchSize} do not divide pictures of {width} × {height}",
                    "model.patchSize", "take 1, 2 or 4, or other data.image.width and height")
                : new AtelierException($"patches of {PatchSize} do not divide latents of {width} × {height}",
                    "model.patchSize", "take 1");
        }
        if (Network == DenoiserKind.Dit)
            CheckTransformer(width, height);
        else
            CheckLevels(width, height);
    }

    private void CheckLevels(int width, int height)
    {
        if (Channels.Count is 0 or > 6 || Channels.Any(c => c < 8 || c % 8 != 0 || c > 4096))
            throw new AtelierException("channels are multiples of 8, 1 to 6 levels", "model.channels",
                "write [64, 128]");
        int halves = 1 << (Channels.Count - 1);
        if (width / PatchSize % halves != 0 || height / PatchSize % halves != 0)
            throw new AtelierException(
                $"{width / PatchSize} × {height / PatchSize} places cannot be halved {Channels.Count - 1} times",
                "model.channels", "take fewer levels");
    }

    private void CheckTransformer(int width, int height)
    {
        if (HiddenSize % 4 != 0)
            throw new AtelierException(
                $"hiddenSize {HiddenSize} is no multiple of 4, and positions are sines and cosines of two directions",
                "model.hiddenSize", $"take {HiddenSize / 4 * 4} or {(HiddenSize / 4 * 4) + 4}");
        if (HiddenSize % HeadCount != 0)
        {
            IEnumerable<int> divisors = Enumerable.Range(1, Math.Min(16, HiddenSize)).Where(n => HiddenSize % n == 0);
            throw new AtelierException($"hiddenSize {HiddenSize} is not divisible by headCount {HeadCount}",
                "model.headCount", $"take one of {string.Join(", ", divisors)}");
        }
        if (width / PatchSize * (height / PatchSize) is var places and > MostPlaces)
            throw new AtelierException($"{places} places are too many for each to look at all others",
                "model.patchSize", $"take larger patches: allowed are {MostPlaces} places");
    }
}

/// <summary>Networks that undo noise.</summary>
public enum DenoiserKind
{
    /// <summary>Residual convolutions over levels of half the size each, down and up again.</summary>
    Unet,

    /// <summary>A transformer over patches.</summary>
    Dit,
}

/// <summary>How training times are drawn.</summary>
public enum TimeDistribution
{
    /// <summary>Evenly.</summary>
    Uniform,

    /// <summary>The logistic function of a standard normal number (Esser et al. 2024, section 3.1).</summary>
    LogitNormal,
}
