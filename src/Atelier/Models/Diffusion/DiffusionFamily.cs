using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using TorchSharp;

namespace Atelier.Models.Diffusion;

/// <summary>Diffusion and flow matching.</summary>
public sealed class DiffusionFamily : ImageFamily<DiffusionConfig, DiffusionModel>, IClassConditional,
    IStepDistillation
{
    private const string AutoencoderKey = "autoencoder"; // of config.json
    private const int MeasuredImages = 2000;

    private readonly IReadOnlyList<IImageFamily> _autoencoders;

    /// <summary>Creates a family whose models work on pixels.</summary>
    public DiffusionFamily() : this([])
    {
    }

    /// <summary>Creates a family whose models may work on the latents of autoencoders of these families.</summary>
    internal DiffusionFamily(IReadOnlyList<IImageFamily> autoencoders) => _autoencoders = autoencoders;

    /// <inheritdoc/>
    public override string Name => "diffusion";

    /// <inheritdoc/>
    public override IReadOnlyList<ITask> Tasks { get; } = [new ImageTask(), new AudioTask()];

    /// <inheritdoc/>
    public override IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) => RecipeVariant.Grid(
        [new("64, 128 channels", ["model.channels=[64, 128]"]), new("32, 64 channels", ["model.channels=[32, 64]"])],
        1e-3, 2e-3);

    /// <inheritdoc/>
    public override string Description => "diffusion and flow matching for images, with a U-Net or a Transformer";

    /// <inheritdoc/>
    public string ClassSetting => "model.conditional=true";

    /// <inheritdoc/>
    public string StepsSetting => "model.distilledSteps";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> RenamedKeys { get; } = new Dictionary<string, string>
    {
        ["model.sampler"] = "generation.sampler",
        ["model.samplerSteps"] = "generation.steps",
        ["model.guidance"] = "generation.guidance",
    };

    /// <inheritdoc/>
    protected override bool SamplesInSteps => true;

    /// <inheritdoc/>
    protected override IEnumerable<IgnoredKeys> Ignored(DiffusionConfig config)
    {
        yield return new("the family diffusion", "evaluation.importanceSamples");
        yield return config.Network == DenoiserKind.Dit
            ? new("a transformer", "model.channels", "model.blocks")
            : new("a U-Net", "model.layerCount", "model.headCount", "model.hiddenSize");
        if (!config.Conditional)
            yield return new("a model without classes", "model.classDropout", "generation.guidance");
        if (config.Upscale == 1)
            yield return new("a model that does not upscale", "model.upscaleNoise");
        if (config.Autoencoder is not null)
            yield return new("a model in latents", "evaluation.likelihoodPictures");
        yield return config.DistilledSteps == 0
            ? new("a model that is not distilled to fewer steps", "training.teacher")
            : new("a model of distilledSteps", "model.times", "model.classDropout",
                "evaluation.likelihoodPictures", "generation.sampler", "generation.steps", "generation.guidance");
    }

    /// <inheritdoc/>
    protected override DiffusionModel Create(DiffusionConfig config, ImageSchema schema, Precision precision,
        long seed) => config.Autoencoder is { } folder
        ? new(config, schema, FrozenAutoencoder.Open(folder, schema, _autoencoders), precision, seed)
        : new(config, schema, precision, seed);

    private protected override DiffusionModel Create(StoredModel stored, DiffusionConfig config,
        ImageSchema schema)
    {
        if (stored.Within(AutoencoderKey, DiffusionModel.AutoencoderTensors) is not { } within)
            return base.Create(stored, config, schema);
        var latents = FrozenAutoencoder.Restore(within, _autoencoders);
        try
        {
            config.Check((int)latents.Shape[2], (int)latents.Shape[1]);
            BundleTensors.CheckCount(stored.Tensors, LeastWeights(config), stored.Where);
            return new(config, schema, latents, SamplingPrecision(stored.Device), seed: 0);
        }
        catch
        {
            latents.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <remarks>A replica is trained on latents and needs no autoencoder.</remarks>
    private protected override DiffusionModel CreateReplica(DiffusionModel model, Precision precision, long seed) =>
        new(model.Config, model.Schema, latents: null, model.Shape, precision, seed)
            { Distillation = model.Distillation?.ForReplica() };

    private protected override void Begin(DiffusionModel model, ImageBatches training) =>
        model.Latents?.Measure(training, (MeasuredImages + training.ItemsPerBatch - 1) / training.ItemsPerBatch);

    private protected override void Teach(DiffusionModel model, Recipe recipe)
    {
        if (model.Config.DistilledSteps == 0)
            return;
        const string key = "training.teacher";
        if (recipe.Training.Teacher is not { } folder)
            throw new AtelierException("a model of distilledSteps needs one to learn from", key,
                "name the run of a diffusion model");
        var bundle = Bundle.Open(folder);
        if (!ModelTypes.Contains(ConfigFile.Read(bundle.ConfigPath).ModelType))
            throw new AtelierException($"the model is not of the family {Name}", key, "name a diffusion model");
        var teacher = (ImageGenerator)Load(bundle, "cpu");
        try
        {
            model.Distillation = new StepDistillation((DiffusionModel)teacher.Model, teacher.Defaults, model);
            if (recipe.Training.From is null && model.Distillation.HasShapeOf(model))
                StartingWeights.Copy(model, teacher.Model, (0, 0), recipe.Seed, folder);
        }
        catch
        {
            teacher.Dispose();
            throw;
        }
    }

    private protected override IBatchSource<ImageBatch> Source(DiffusionModel model, ImageBatches images) =>
        model.Latents is { } latents ? new EncodedBatches(images, latents) : images;

    private protected override JsonObject Describe(DiffusionModel model)
    {
        JsonObject described = base.Describe(model);
        if (model.Latents is { } latents)
            described[AutoencoderKey] = latents.Description.DeepClone();
        return described;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Sampling evaluates the network tens of times, and rounding to bf16 is small compared with the error of the
    /// steps.
    /// </remarks>
    protected override Precision SamplingPrecision(string device) => Bf16WherePossible(device);

    /// <inheritdoc/>
    protected override Int128 LeastWeights(DiffusionConfig config, ImageSchema schema)
    {
        config.Check(schema.Width, schema.Height);
        return LeastWeights(config);
    }

    /// <inheritdoc/>
    protected override DiffusionConfig ConfigOf(DiffusionModel model) => model.Config;

    private static Int128 LeastWeights(DiffusionConfig config)
    {
        // each block of a transformer: four products of attention, eight of the feed-forward layer, six of the
        // condition
        if (config.Network == DenoiserKind.Dit)
            return (Int128)18 * config.HiddenSize * config.HiddenSize * config.LayerCount;
        Int128 condition = 4 * config.Channels[0];
        // each level of a U-Net: two convolutions of 3 × 3 for each block down and up, except for the first one, which
        // reads the channels of another level; and the modulation of each block
        return (condition * condition)
            + config.Channels.Aggregate((Int128)0,
            (sum, c) => sum + ((Int128)9 * c * c * ((4 * config.Blocks) - 1)) + (4 * config.Blocks * c * condition));
    }
}
