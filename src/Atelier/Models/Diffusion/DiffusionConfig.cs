using System.ComponentModel.DataAnnotations;
using Atelier.Models.Diffusion.Samplers;

namespace Atelier.Models.Diffusion;

/// <summary>A diffusion or flow-matching model: how noise comes in, what is predicted, the size of the U-Net, and how pictures are drawn.</summary>
public sealed record DiffusionConfig
{
    /// <summary>How pictures turn into noise: flow, cosine or linear.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Flow;

    /// <summary>What the network predicts.</summary>
    public PredictionKind Prediction { get; init; } = PredictionKind.Velocity;

    /// <summary>How training times are drawn: over (0, 1) evenly, or as the logistic function of a normal number, which favours the middle.</summary>
    public TimeDraw Times { get; init; } = TimeDraw.LogitNormal;

    /// <summary>Whether the network is told the class.</summary>
    public bool Conditional { get; init; }

    /// <summary>The share of training pictures whose class is kept from the network, so that guidance can compare (Ho and Salimans 2022).</summary>
    [Range(0.0, 0.9)]
    public double ClassDropout { get; init; } = 0.1;

    /// <summary>Pixels of a side that the network takes as one place; divides width and height.</summary>
    [Range(1, 16)]
    public int PatchSize { get; init; } = 2;

    /// <summary>Channels of each level of the U-Net; each level has half the width and height of the one before.</summary>
    public IReadOnlyList<int> Channels { get; init; } = (int[])[64, 128];

    /// <summary>Blocks of each level of the U-Net, on the way down and on the way up.</summary>
    [Range(1, 16)]
    public int Blocks { get; init; } = 2;

    /// <summary>The sampler where a request does not say: ancestral, ddim, euler, heun or dpm.</summary>
    public string Sampler { get; init; } = "heun";

    /// <summary>Its steps where a request does not say.</summary>
    [Range(1, 10_000)]
    public int SamplerSteps { get; init; } = 20;

    /// <summary>The weight of the class where a request does not say; 1 takes it as learned.</summary>
    [Range(0.0, 100.0)]
    public double Guidance { get; init; } = 1;

    /// <summary>Throws where the parts do not fit together.</summary>
    /// <param name="width">Of the pictures.</param>
    /// <param name="height">Of the pictures.</param>
    /// <exception cref="AtelierException">They do not.</exception>
    public void Check(int width, int height)
    {
        DiffusionSamplers.Find(Sampler);
        if (width % PatchSize != 0 || height % PatchSize != 0)
            throw new AtelierException($"patches of {PatchSize} do not divide pictures of {width} × {height}", "model.patchSize", "take 1, 2 or 4, or other data.image.width and height");
        if (Channels.Count is 0 or > 6 || Channels.Any(c => c < 8 || c % 8 != 0 || c > 4096))
            throw new AtelierException("channels are multiples of 8, 1 to 6 levels", "model.channels", "write [64, 128]");
        int halves = 1 << (Channels.Count - 1);
        if (width / PatchSize % halves != 0 || height / PatchSize % halves != 0)
            throw new AtelierException($"{width / PatchSize} × {height / PatchSize} places cannot be halved {Channels.Count - 1} times", "model.channels", "take fewer levels");
    }
}

/// <summary>How training times are drawn.</summary>
public enum TimeDraw
{
    /// <summary>Evenly.</summary>
    Uniform,

    /// <summary>The logistic function of a standard normal number (Esser et al. 2024, section 3.1).</summary>
    LogitNormal,
}
