using Atelier.Data.Images;
using Atelier.Models.Layers;
using Atelier.Recipes;
using Atelier.Training;
using TorchSharp;

namespace Atelier.Models.Diffusion;

/// <summary>Diffusion and flow matching.</summary>
public sealed class DiffusionFamily : ImageFamily<DiffusionConfig, DiffusionModel>
{
    /// <inheritdoc/>
    public override string Name => "diffusion";

    /// <inheritdoc/>
    public override string Description => "diffusion and flow matching for pictures, by a U-Net or a transformer";

    /// <inheritdoc/>
    protected override DiffusionModel Create(DiffusionConfig config, ImageSchema schema, Precision precision, long seed) => new(config, schema, precision, seed);

    /// <inheritdoc/>
    /// <remarks>Drawing looks at the network tens of times, and rounding to bf16 is small beside the steps' own error.</remarks>
    protected override Precision DrawingPrecision(string device) => Bf16WherePossible(device);

    /// <inheritdoc/>
    protected override Int128 LeastWeights(DiffusionConfig config, ImageSchema schema)
    {
        config.Check(schema.Width, schema.Height);
        // Of each block of a transformer four products of the attention, eight of the feed-forward layer, six of what is told.
        if (config.Network == NetworkKind.Dit)
            return (Int128)18 * config.HiddenSize * config.HiddenSize * config.LayerCount;
        Int128 told = 4 * config.Channels[0];
        // Of each level the convolutions of 3 × 3 down and up, two a block, but for the first, which reads another level's
        // channels; and what each block is told of the time.
        return (told * told) + config.Channels.Aggregate((Int128)0, (sum, c) => sum + ((Int128)9 * c * c * ((4 * config.Blocks) - 1)) + (4 * config.Blocks * c * told));
    }

    /// <inheritdoc/>
    protected override DiffusionConfig ConfigOf(DiffusionModel model) => model.Config;
}
