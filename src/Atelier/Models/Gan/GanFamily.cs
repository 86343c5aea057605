using Atelier.Data.Images;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tasks.Images;
using Atelier.Tensors;

namespace Atelier.Models.Gan;

/// <summary>Generative adversarial networks.</summary>
public sealed class GanFamily : ImageFamily<GanConfig, GanModel>, IClassConditional
{
    /// <inheritdoc/>
    public override string Name => "gan";

    /// <inheritdoc/>
    public override IReadOnlyList<ITask> Tasks { get; } = [new ImageTask(), new AudioTask()];

    /// <inheritdoc/>
    public override string Description => "generative adversarial networks for images, convolutional or residual";

    /// <inheritdoc/>
    public string ClassSetting => "model.condition=projection";

    /// <inheritdoc/>
    protected override IEnumerable<IgnoredKeys> Ignored(GanConfig config) =>
        [new("the family gan", "evaluation.likelihoodPictures", "evaluation.importanceSamples")];

    /// <inheritdoc/>
    protected override GanModel Create(GanConfig config, ImageSchema schema, Precision precision, long seed) =>
        new(config, schema, precision, seed);

    /// <inheritdoc/>
    protected override Int128 LeastWeights(GanConfig config, ImageSchema schema)
    {
        config.Check(schema);
        int levels = config.Channels.Count;
        Int128 smallest = (Int128)config.Channels[0] * (schema.Width >> levels) * (schema.Height >> levels);
        // the generator's first layer; and for each level except the last, in both networks, a convolution of 4 × 4,
        // which is smaller than two of 3 × 3
        return (smallest * config.NoiseSize)
            + config.Channels.Zip(config.Channels.Skip(1))
            .Aggregate((Int128)0, (sum, pair) => sum + ((Int128)2 * 16 * pair.First * pair.Second / 2));
    }

    /// <inheritdoc/>
    protected override GanConfig ConfigOf(GanModel model) => model.Config;
}
