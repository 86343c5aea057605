using Atelier.Data.Video;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using Atelier.Tasks.Video;
using Atelier.Tensors;

namespace Atelier.Models.Diffusion.Video;

/// <summary>Diffusion and flow matching of videos.</summary>
public sealed class VideoDiffusionFamily : VideoFamily<VideoDiffusionConfig, VideoDiffusionModel>, IClassConditional
{
    /// <inheritdoc/>
    public override string Name => "video-diffusion";

    /// <inheritdoc/>
    public override string Description => "diffusion and flow matching for videos, with factorised space-time layers";

    /// <inheritdoc/>
    public string ClassSetting => "model.conditional=true";

    /// <inheritdoc/>
    protected override bool SamplesInSteps => true;

    /// <inheritdoc/>
    protected override IEnumerable<IgnoredKeys> Ignored(VideoDiffusionConfig config)
    {
        if (!config.Conditional)
            yield return new("a model without classes", "model.classDropout", "generation.guidance");
        if (config.LatentLevels.Count == 0)
            yield return new("a model of pixels", "model.latentSize", "model.latentNoise");
        yield return config.Network == DenoiserKind.Dit
            ? new("a transformer", "model.channels", "model.blocks", "model.spaceTimeLayers")
            : new("a U-Net", "model.layerCount", "model.hiddenSize");
    }

    /// <inheritdoc/>
    protected override VideoDiffusionModel Create(VideoDiffusionConfig config, VideoSchema schema, Precision precision,
        long seed) => new(config, schema, precision, seed);

    /// <inheritdoc/>
    /// <remarks>As for images, rounding to bf16 is small compared with the error of the steps.</remarks>
    protected override Precision SamplingPrecision(string device) => ComputeDevice.FastPrecision(device);

    /// <inheritdoc/>
    protected override Int128 LeastWeights(VideoDiffusionConfig config, VideoSchema schema)
    {
        config.Check(schema);
        if (config.Network == DenoiserKind.Dit) // attention, the feed-forward layer and the modulation of each block
            return (Int128)(4 + 8 + 6) * config.HiddenSize * config.HiddenSize * config.LayerCount;
        // each block, down and up: two convolutions of 3 × 3, of which the first may read other channels, and the four
        // products of attention over time
        return config.Channels.Aggregate((Int128)0, (sum, c) =>
            sum + ((Int128)c * c * 2 * config.Blocks * (9 + 4)));
    }

    /// <inheritdoc/>
    protected override VideoDiffusionConfig ConfigOf(VideoDiffusionModel model) => model.Config;
}
