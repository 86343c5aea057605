using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Kernels;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Training;
using Atelier.Training.Execution;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// Learns to undo noise (Ho et al. 2020) or to follow the flow from noise to pictures (Lipman et al. 2023): the mean
/// squared error of the prediction at random times. Pictures are drawn by a sampler that knows nothing of the network.
/// With an autoencoder all of this happens to its latents in place of pixels (Rombach et al. 2022).
/// </summary>
public sealed class DiffusionModel : ImageModel
{
    /// <summary>The prefix of the names of the autoencoder's tensors.</summary>
    internal const string AutoencoderTensors = "latents.autoencoder.";

    private const int BoundTimes = 32; // noise levels at which each picture is looked at for the bound
    private const int FlowSteps = 32; // of a picture that is followed along the flow
    private const int FollowedShare = 5; // one picture in so many is
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

    /// <summary>Creates a model in an autoencoder's latents, which is disposed with it.</summary>
    internal DiffusionModel(DiffusionConfig config, ImageSchema schema, FrozenAutoencoder latents, Precision precision,
        long seed)
        : this(config, schema, latents, latents.Shape, precision, seed)
    {
    }

    /// <summary>Creates a model of images or latents of a shape.</summary>
    /// <param name="config">The network's shape.</param>
    /// <param name="schema">The size, channels and classes of the images.</param>
    /// <param name="latents">The autoencoder; null for pixels, and for a copy that is trained on latents only.</param>
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
        _schedule = new NoiseSchedule(config.Schedule);
        var prediction = new Prediction(config.Prediction, _schedule);
        _upscaling = config.Upscale > 1 ? new Upscaling(config, schema, _schedule) : null;
        int shown = (int)shape[0] + (_upscaling?.Channels ?? 0);
        using var random = new Generator((ulong)seed, CPU);
        int classes = config.Conditional ? schema.Classes.Count : 0;
        _network = config.Network == DenoiserKind.Dit
            ? new DiffusionTransformer(config, [shown, .. shape[1..]], (int)shape[0], classes, precision, random)
            : new UNet(config, shown, (int)shape[0], classes, precision, random);
        _objective = new DenoisingObjective(config, classes, _schedule, prediction, _upscaling);
        _pipeline = new DiffusionPipeline(config, schema, _network, _schedule, prediction, _upscaling, latents, shape,
            Threads);
        register_module("network", _network);
        if (latents is not null)
            register_module("latents", latents);
        Objectives =
        [
            new Objective<ImageBatch>("loss", batch => Loss(batch, StepContext.Current.Random?.Generator),
                [.. _network.parameters()]),
        ];
    }

    /// <summary>The configuration.</summary>
    public DiffusionConfig Config { get; }

    /// <summary>The denoising network.</summary>
    internal DenoisingNetwork Network => _network;

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
        // The same times and noise for the same number of pictures, so that measurements can be compared.
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
    /// By <see cref="VariationalBound"/>, and for one image in five by <see cref="FlowLikelihood"/>, given the classes
    /// and small images; not available for models of latents.
    /// </remarks>
    public override IReadOnlyDictionary<string, double[]> Likelihood(ImageBatch batch, long seed,
        CancellationToken cancellation = default)
    {
        if (Latents is not null)
            return base.Likelihood(batch, seed, cancellation);
        using var scope = NewDisposeScope();
        Device device = batch.Images.device;
        long count = batch.Labels.shape[0];
        using var random = new Generator((ulong)seed, device);
        using RowTeam team = Threads.Begin(device, count);
        Tensor? labels = IsConditional ? batch.Labels
            : null,
            conditionImage = _upscaling?.Show(_upscaling.Shrink(batch.Images), zeros(count, device: device), random);
        double[] surprise = VariationalBound.Of(batch.Images, (x, t) => Look(x, t, count, team), _schedule,
            BoundTimes, random);
        int followed = (int)Math.Max(1, count / FollowedShare);
        double[] flow = FlowLikelihood.Of(batch.Images.narrow(0, 0, followed),
            (x, t) => Look(x, t, followed, team: null), _schedule, FlowSteps, random);
        return new Dictionary<string, double[]>
        {
            ["elbo"] = [.. surprise.Select(nats => -nats)],
            ["bitsPerDimension"] = [.. surprise.Select(Bits)],
            ["flowBitsPerDimension"] = [.. flow.Select(Bits)],
        };

        DenoiserOutput Look(Tensor x, double t, long rows, RowTeam? team)
        {
            cancellation.ThrowIfCancellationRequested();
            return _pipeline.Denoise(x, t, conditionImage?.narrow(0, 0, rows), labels?.narrow(0, 0, rows),
                guidance: 1, team);
        }

        double Bits(double nats) => nats / (Schema.Size * Math.Log(2));
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> SamplingFields =>
    [
        "sampler", "steps", .. IsConditional ? (string[])["guidance"] : [], "from", "strength",
        .. Upscaler is null ? (string[])["mask", "interpolate"] : [],
    ];

    /// <inheritdoc/>
    public override SamplingOptions Check(SamplingOptions drawing, SamplingDefaults defaults) =>
        _pipeline.Check(drawing, defaults);

    /// <inheritdoc/>
    public override Tensor Sample(Tensor noise, Tensor? labels, SamplingOptions drawing, Generator random,
        Tensor? given = null, CancellationToken cancellation = default) =>
        _pipeline.Sample(noise, labels, drawing, random, given, Watch, cancellation);

    private Tensor Loss(ImageBatch batch, Generator? random)
    {
        Tensor pictures = Latents is null || batch.Images.shape[1..].SequenceEqual(Shape)
            ? batch.Images // or encoded ahead
            : Latents.Encode(batch.Images);
        return _objective.Loss(_network, pictures, batch.Labels, random);
    }
}
