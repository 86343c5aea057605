using Atelier.Data.Images;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tasks.Images;
using Atelier.Tensors;

namespace Atelier.Models.Vae;

/// <summary>Variational autoencoders.</summary>
public sealed class VaeFamily : ImageFamily<VaeConfig, VaeModel>, IClassConditional
{
    /// <inheritdoc/>
    public override string Name => "vae";

    /// <inheritdoc/>
    public override IReadOnlyList<ITask> Tasks { get; } = [new ImageTask(), new AudioTask()];

    /// <inheritdoc/>
    public override IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) => RecipeVariant.Grid(
        [new("16 latents", ["model.latentSize=16"]), new("32 latents", ["model.latentSize=32"])], 1e-3, 2e-3);

    /// <inheritdoc/>
    public override string Description =>
        "variational autoencoders for images: Gaussian or discrete latents, dense or convolutional";

    /// <inheritdoc/>
    public string ClassSetting => "model.conditional=true";

    /// <inheritdoc/>
    protected override IEnumerable<IgnoredKeys> Ignored(VaeConfig config)
    {
        yield return new("the family vae", "evaluation.likelihoodPictures");
        yield return config.Network == NetworkKind.Dense
            ? new("a dense network", "model.channels", "model.blocks")
            : new("a convolutional network", "model.hidden");
        yield return config.Codes > 0
            ? new("a model with codes", "model.latents", "model.beta", "model.freeBits", "model.priorComponents",
                "evaluation.importanceSamples")
            : new("a model without codes", "model.commitment", "model.codeDecay", "model.codePriorSize");
        if (config.HasGrid)
            yield return new("a grid of latents", "model.priorComponents");
        yield return config.Likelihood == LikelihoodKind.Bernoulli ? new("a Bernoulli likelihood", "model.variance")
            : new("a Gaussian likelihood", "model.binarisation");
    }

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
