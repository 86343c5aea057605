using System.ComponentModel.DataAnnotations;
using Atelier.Data.Video;
using Atelier.Layers;
using Atelier.Tasks.Video;

namespace Atelier.Models.Diffusion.Video;

/// <summary>
/// The configuration of a video diffusion or flow-matching model: the noise schedule, the prediction target, the
/// network and what clips are conditioned on in training.
/// </summary>
public sealed record VideoDiffusionConfig
{
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

    /// <summary>Conditions the network on the class.</summary>
    public bool Conditional { get; init; }

    /// <summary>
    /// The fraction of training clips whose class is dropped, as classifier-free guidance needs (Ho and Salimans
    /// 2022).
    /// </summary>
    [Range(0.0, 0.9)]
    public double ClassDropout { get; init; } = 0.1;

    /// <summary>
    /// The fraction of training clips whose first frames are given, up to half of them, so that the model learns to
    /// continue a video.
    /// </summary>
    [Range(0.0, 1.0)]
    public double NextShare { get; init; } = 0.4;

    /// <summary>
    /// The fraction of training clips of which frames at both ends are given, so that the model learns to fill in
    /// between.
    /// </summary>
    [Range(0.0, 1.0)]
    public double BetweenShare { get; init; } = 0.1;

    /// <summary>
    /// The channels of each level of an autoencoder of frames, which is trained along with the network; the network
    /// then works on its latents (Rombach et al. 2022). Each level halves width and height. Empty works on pixels.
    /// </summary>
    public IReadOnlyList<int> LatentLevels { get; init; } = [];

    /// <summary>For an autoencoder: the number of latents at each place of a frame.</summary>
    [Range(1, 4096)]
    public int LatentSize { get; init; } = 16;

    /// <summary>
    /// For an autoencoder: the deviation of the noise that is added to latents in its training. Latents themselves
    /// have a root mean square of 1.
    /// </summary>
    [Range(0.0, 1.0)]
    public double LatentNoise { get; init; } = 0.1;

    /// <summary>
    /// The architecture of the network: a U-Net with factorised space-time layers (Ho et al. 2022), or a transformer
    /// over the patches of all frames (Peebles and Xie 2023).
    /// </summary>
    public DenoiserKind Network { get; init; } = DenoiserKind.Unet;

    /// <summary>
    /// The side of a patch in pixels or latents, which the network processes as one position. Must divide width and
    /// height.
    /// </summary>
    [Range(1, 16)]
    public int PatchSize { get; init; } = 2;

    /// <summary>For the U-Net: the channels of each level. Each level halves width and height.</summary>
    public IReadOnlyList<int> Channels { get; init; } = (int[])[32, 64, 96];

    /// <summary>For the U-Net: number of blocks in each level, down and up.</summary>
    [Range(1, 16)]
    public int Blocks { get; init; } = 1;

    /// <summary>
    /// Number of attention heads. Must divide the channels of each level of a U-Net, or the hidden size of a
    /// transformer.
    /// </summary>
    [Range(1, 64)]
    public int HeadCount { get; init; } = 2;

    /// <summary>
    /// For the U-Net: number of Transformer blocks at the lowest resolution, whose attention sees all places of all
    /// frames, so that paths through a clip fit together. 0 has attention over time at each place only.
    /// </summary>
    [Range(0, 64)]
    public int SpaceTimeLayers { get; init; }

    /// <summary>For the transformer: number of blocks.</summary>
    [Range(1, 1000)]
    public int LayerCount { get; init; } = 6;

    /// <summary>For the transformer: the width; a multiple of 4.</summary>
    [Range(4, 1 << 16)]
    public int HiddenSize { get; init; } = 256;

    /// <summary>Channels, frames, height and width of what the network works on: clips or their latents.</summary>
    internal long[] NoisyShape(VideoSchema schema) => LatentLevels.Count == 0
        ? [schema.Channels, schema.Frames, schema.Height, schema.Width]
        : [LatentSize, schema.Frames, schema.Height >> LatentLevels.Count, schema.Width >> LatentLevels.Count];

    /// <summary>Throws if the values do not fit together or do not fit clips.</summary>
    /// <exception cref="AtelierException">They do not.</exception>
    internal void Check(VideoSchema schema)
    {
        long[] shape = NoisyShape(schema);
        if (LatentLevels.Count > 0)
            CheckLatents(schema, shape);
        else
            VideoModel.CheckPatches(schema, PatchSize);
        if (Network == DenoiserKind.Dit)
            DiffusionConfig.CheckTransformer(HiddenSize, HeadCount,
                shape[1] * (shape[2] / PatchSize) * (shape[3] / PatchSize));
        else
            CheckUnet((int)shape[3] / PatchSize, (int)shape[2] / PatchSize);
        if (NextShare + BetweenShare > 1)
            throw new AtelierException("nextShare and betweenShare are together more than 1", "model.nextShare",
                "lower one of them");
        if (Conditional && schema.Classes.Count == 0)
            throw new AtelierException("the videos have no classes", "model.conditional",
                "sort them into subfolders, or set conditional: false");
    }

    private void CheckLatents(VideoSchema schema, long[] shape)
    {
        ConvolutionalEncoder.Check(LatentLevels, schema.Width, schema.Height, "data.video", "model.latentLevels");
        long latents = shape[0] * shape[2] * shape[3];
        if (latents > schema.FrameSize)
            throw new AtelierException($"a frame of {schema.FrameSize} values would have {latents} latents",
                "model.latentSize", "lower it, or add a level");
        if (shape[2] % PatchSize != 0 || shape[3] % PatchSize != 0)
            throw new AtelierException($"patches of {PatchSize} do not divide latents of {shape[3]} × {shape[2]}",
                "model.patchSize", "take 1");
    }

    private void CheckUnet(int width, int height)
    {
        DiffusionConfig.CheckLevels(Channels, width, height);
        if (Channels.Any(channels => channels % HeadCount != 0))
            throw new AtelierException($"{HeadCount} heads do not divide {string.Join(", ", Channels)} channels",
                "model.headCount", "use 1, 2, 4 or 8");
    }
}
