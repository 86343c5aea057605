using Atelier.Data.Images;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;

namespace Atelier.Models.Vae;

/// <summary>Variational autoencoders.</summary>
public sealed class VaeFamily : ImageFamily<VaeConfig, VaeModel>, IClassConditional
{
    /// <inheritdoc/>
    public override string Name => "vae";

    /// <inheritdoc/>
    public override string Description =>
        "variational autoencoders: Gaussian or discrete latents, dense or convolutional";

    /// <inheritdoc/>
    public string ClassSetting => "model.conditional=true";

    /// <inheritdoc/>
    protected override VaeModel Create(VaeConfig config, ImageSchema schema, Precision precision, long seed) =>
        new(config, schema, precision, seed);

    /// <inheritdoc/>
    protected override Precision SamplingPrecision(string device) => Bf16WherePossible(device);

    /// <inheritdoc/>
    protected override Int128 LeastWeights(VaeConfig config, ImageSchema schema)
    {
        config.Check(schema);
        Int128 classes = config.Conditional ? schema.Classes.Count : 1, latents = config.LatentSize;
        if (config.Network == NetworkKind.Dense)
            return Between(config.Hidden[^1])
                + config.Hidden.Prepend(schema.Size).Zip(config.Hidden)
                .Aggregate((Int128)0, (sum, pair) => sum + (2 * (Int128)pair.First * pair.Second));
        Int128 places = (Int128)schema.Width * schema.Height >> (2 * config.Channels.Count);
        // each level: two convolutions of 3 × 3 for each block, in both networks
        return Between(config.Channels[^1] * (config.HasGrid ? 1 : places))
            + config.Channels.Aggregate((Int128)0,
            (sum, channels) => sum + ((Int128)9 * channels * channels * 4 * config.Blocks));

        // codes and their sums; or the products of mean, variance and decoder input, and the fitted prior
        Int128 Between(Int128 features) => config.Codes > 0
            ? 2 * config.Codes * latents
            : (3 * features * latents) + (config.HasGrid ? 0 : config.PriorComponents * latents * latents * classes);
    }

    /// <inheritdoc/>
    protected override VaeConfig ConfigOf(VaeModel model) => model.Config;
}
