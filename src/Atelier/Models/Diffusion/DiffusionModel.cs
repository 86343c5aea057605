using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// A diffusion model (Ho et al. 2020) or a flow from noise to images (Lipman et al. 2023): a network that learns what
/// was added to noisy images, and a sampler that turns noise into images with it. With an autoencoder, the model works
/// on latents instead of pixels (Rombach et al. 2022).
/// </summary>
public sealed class DiffusionModel : ImageModel
{
    /// <summary>The prefix of the names of the autoencoder's tensors.</summary>
    internal const string AutoencoderTensors = "latents.autoencoder.";

    private const int BoundTimes = 32; // noise levels of the variational bound of an image
    private const int FlowSteps = 32; // steps of the likelihood of an image under the flow
    private const int FlowShare = 5; // the likelihood under the flow is computed for one image in five
    private readonly DenoisingNetwork _network;
    private readonly NoiseSchedule _schedule;
    private readonly Upscaling? _upscaling;
    private readonly DenoisingObjective _objective;
    private readonly DiffusionPipeline _pipeline;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The size, channels and classes of its images.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the images.</exception>
    public DiffusionModel(DiffusionConfig config, ImageSchema schema, Precision precision, long seed)
        : this(config, schema, latents: null, [schema.Channels, schema.Height, schema.Width], precision, seed)
    {
    }

    /// <summary>Creates a model of the latents of an autoencoder, which is disposed with the model.</summary>
    internal DiffusionModel(DiffusionConfig config, ImageSchema schema, FrozenAutoencoder latents, Precision precision,
        long seed)
        : this(config, schema, latents, latents.Shape, precision, seed)
    {
    }

    /// <summary>Creates a model of images or latents of a shape.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The size, channels and classes of the images.</param>
    /// <param name="latents">The autoencoder; null for pixels, and for a model that is trained on encoded
    /// images.</param>
    /// <param name="shape">Channels, height and width of the noisy tensors.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    internal DiffusionModel(DiffusionConfig config, ImageSchema schema, FrozenAutoencoder? latents, long[] shape,
        Precision precision, long seed)
        : base("diffusion", schema)
    {
        config.Check((int)shape[2], (int)shape[1]);
        if (config.Conditional && schema.Classes.Count == 0)
            throw new AtelierException("the images have no classes", "model.conditional",
                "sort them into subfolders, or set conditional: false");
        if (config.Upscale > 1 && !shape.SequenceEqual([schema.Channels, schema.Height, schema.Width]))
            throw new AtelierException("enlarging works on pixels, but the model works on latents",
                "model.upscale", "leave out this key or model.autoencoder");
        (Config, Latents, Shape) = (config, latents, shape);
        _schedule = new NoiseSchedule(config.Schedule, config.TimeShift);
        var prediction = new Prediction(config.Prediction, _schedule);
        _upscaling = config.Upscale > 1 ? new Upscaling(config, schema, _schedule) : null;
        int inputs = (int)shape[0] + (_upscaling?.Channels ?? 0);
        using var random = new Generator((ulong)seed, CPU);
        int classes = config.Conditional ? schema.Classes.Count : 0;
        _network = config.Network == DenoiserKind.Dit
            ? new DiffusionTransformer(config, [inputs, .. shape[1..]], (int)shape[0], classes, precision, random)
            : new UNet(config, inputs, (int)shape[0], classes, precision, random);
        _objective = new DenoisingObjective(config, classes, _schedule, prediction, _upscaling);
        _pipeline = new DiffusionPipeline(config, schema, _network, _schedule, prediction, _upscaling, latents, shape);
        register_module("network", _network);
        if (latents is not null)
            register_module("latents", latents);
        Objectives = [new Objective<ImageBatch>("loss", batch => Loss(batch), [.. _network.parameters()])];
    }

    /// <summary>The configuration.</summary>
    public DiffusionConfig Config { get; }

    /// <summary>The denoising network.</summary>
    internal DenoisingNetwork Network => _network;

    /// <summary>Denoises with guidance.</summary>
    internal DiffusionPipeline Pipeline => _pipeline;

    /// <summary>The teacher of a model that learns to sample in fewer steps; null for other models.</summary>
    internal StepDistillation? Distillation { get; set; }

    /// <summary>The autoencoder in whose latents the model works; null for pixels.</summary>
    internal FrozenAutoencoder? Latents { get; }

    /// <summary>Channels, height and width of the noisy tensors: of images, or of their latents.</summary>
    internal long[] Shape { get; }

    /// <inheritdoc/>
    public override bool IsConditional => Config.Conditional;

    /// <inheritdoc/>
    public override IUpscaler? Upscaler => _upscaling;

    /// <inheritdoc/>
    public override long NoiseSize => Shape[0] * Shape[1] * Shape[2];

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<ImageBatch>> Objectives { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(ImageBatch batch)
    {
        // the same times and noise each time, so that measurements can be compared
        using var random = new Generator(1, batch.Images.device);
        return new Dictionary<string, double> { ["loss"] = Loss(batch, random).Number() };
    }

    /// <inheritdoc/>
    public override string Unit(string figure) => figure switch
    {
        "elbo" => "nats per picture",
        "bitsPerDimension" or "flowBitsPerDimension" => "bits",
        _ => "mean squared error",
    };

    /// <inheritdoc/>
    /// <remarks>
    /// Computed by <see cref="VariationalBound"/>, and for one image in five by <see cref="FlowLikelihood"/>, given the
    /// classes and small images; not available for models of latents, and for those of few steps.
    /// </remarks>
    public override IReadOnlyDictionary<string, double[]> Likelihood(ImageBatch batch, long seed,
        CancellationToken cancellation = default)
    {
        if (Latents is not null || Config.DistilledSteps > 0)
            return base.Likelihood(batch, seed, cancellation);
        using var scope = NewDisposeScope();
        Device device = batch.Images.device;
        long count = batch.Labels.shape[0];
        using var random = new Generator((ulong)seed, device);
        Tensor? labels = IsConditional ? batch.Labels : null;
        Tensor? conditionImage =
            _upscaling?.Condition(_upscaling.Shrink(batch.Images), zeros(count, device: device), random);
        double[] bound = VariationalBound.Of(batch.Images, Denoise, _schedule, BoundTimes, random);
        Tensor some = batch.Images.narrow(0, 0, Math.Max(1, count / FlowShare));
        double[] flow = FlowLikelihood.Of(some, Denoise, _schedule, FlowSteps, random);
        return new Dictionary<string, double[]>
        {
            ["elbo"] = [.. bound.Select(nats => -nats)],
            ["bitsPerDimension"] = [.. bound.Select(Bits)],
            ["flowBitsPerDimension"] = [.. flow.Select(Bits)],
        };

        DenoiserOutput Denoise(Tensor x, double t)
        {
            cancellation.ThrowIfCancellationRequested();
            long rows = x.shape[0];
            return _pipeline.Denoise(x, t, conditionImage?.narrow(0, 0, rows), labels?.narrow(0, 0, rows), guidance: 1);
        }

        double Bits(double nats) => nats / (Schema.Size * Math.Log(2));
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> SamplingFields => Config.DistilledSteps > 0 ? ["interpolate"] :
    [
        "sampler", "steps", .. IsConditional ? (string[])["guidance"] : [], "from", "strength",
        .. Upscaler is null ? (string[])["mask", "interpolate"] : [],
    ];

    internal override SamplingDefaults DefaultsOf(SamplingDefaults recipe) => Config.DistilledSteps == 0 ? recipe
        : recipe with { Sampler = StepDistillation.Sampler, Steps = Config.DistilledSteps, Guidance = 1 };

    /// <inheritdoc/>
    public override SamplingOptions Check(SamplingOptions drawing, SamplingDefaults defaults) =>
        _pipeline.Check(drawing, DefaultsOf(defaults));

    /// <inheritdoc/>
    public override Tensor Sample(Tensor noise, Tensor? labels, SamplingOptions drawing, Generator random,
        Tensor? given = null, CancellationToken cancellation = default) =>
        _pipeline.Sample(noise, labels, drawing, random, given, Watch, cancellation);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Distillation?.Dispose();
        base.Dispose(disposing);
    }

    private Tensor Loss(ImageBatch batch, Generator? random = null)
    {
        if (Distillation is { } distillation)
            return distillation.Loss(_network, batch, random);
        Tensor images = Latents is null || batch.Images.shape[1..].SequenceEqual(Shape)
            ? batch.Images // or latents, encoded in advance
            : Latents.Encode(batch.Images);
        return _objective.Loss(_network, images, batch.Labels, random);
    }
}
