using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Kernels;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Training;
using Atelier.Training.Execution;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Diffusion;

/// <summary>
/// Learns to undo noise (Ho et al. 2020) or to follow the flow from noise to pictures (Lipman et al. 2023): the mean
/// squared error of the prediction at random times. Pictures are drawn by a sampler that knows nothing of the network.
/// With an autoencoder all of this happens to its latents in place of pixels (Rombach et al. 2022).
/// </summary>
public sealed class DiffusionModel : ImageModel
{
    /// <summary>How the names of the autoencoder's tensors begin.</summary>
    internal const string AutoencoderTensors = "latents.autoencoder.";

    private const int BoundTimes = 32; // noise levels at which each picture is looked at for the bound
    private const int FlowSteps = 32, FollowedShare = 5; // of following pictures along the flow, and one in so many is
    // where the ancestral one is usual and would add noise of its own
    private const string DeterministicSampler = "ddim";
    private readonly DenoisingNetwork _network;
    private readonly NoiseSchedule _schedule;
    private readonly Prediction _prediction;
    private readonly Upscaling? _upscaling;

    /// <summary>Makes a model with fresh weights, on the CPU.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="schema">What its pictures have in common.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">Of the weights.</param>
    /// <exception cref="AtelierException">The configuration is impossible or does not fit the pictures.</exception>
    public DiffusionModel(DiffusionConfig config, ImageSchema schema, Precision precision, long seed)
        : this(config, schema, latents: null, [schema.Channels, schema.Height, schema.Width], precision, seed)
    {
    }

    /// <summary>Makes a model of an autoencoder's latents, which is disposed with it.</summary>
    internal DiffusionModel(DiffusionConfig config, ImageSchema schema, FrozenAutoencoder latents, Precision precision,
        long seed)
        : this(config, schema, latents, latents.Shape, precision, seed)
    {
    }

    /// <summary>Makes a model of pictures or latents of a shape.</summary>
    /// <param name="config">The network's shape.</param>
    /// <param name="schema">What the pictures have in common.</param>
    /// <param name="latents">The autoencoder; null for pixels, and for a copy that is to learn from latents
    /// alone.</param>
    /// <param name="shape">Channels, height and width of what is noisy.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">Of the weights.</param>
    internal DiffusionModel(DiffusionConfig config, ImageSchema schema, FrozenAutoencoder? latents, long[] shape,
        Precision precision, long seed)
        : base("diffusion", schema)
    {
        config.Check((int)shape[2], (int)shape[1]);
        if (config.Conditional && schema.Classes.Count == 0)
            throw new AtelierException("the pictures have no classes", "model.conditional",
                "sort them into subfolders, or write conditional: false");
        if (config.Upscale > 1 && !shape.SequenceEqual([schema.Channels, schema.Height, schema.Width]))
            throw new AtelierException("small pictures are shown beside noisy pixels, and the model works on latents",
                "model.upscale", "leave it or model.autoencoder out");
        (Config, Latents, Shape) = (config, latents, shape);
        _schedule = new NoiseSchedule(config.Schedule);
        _prediction = new Prediction(config.Prediction, _schedule);
        _upscaling = config.Upscale > 1 ? new Upscaling(config, schema, _schedule) : null;
        int shown = (int)shape[0] + (_upscaling?.Channels ?? 0);
        using var random = new Generator((ulong)seed, CPU);
        int classes = config.Conditional ? schema.Classes.Count : 0;
        _network = config.Network == DenoiserKind.Dit
            ? new DiffusionTransformer(config, [shown, .. shape[1..]], (int)shape[0], classes, precision, random)
            : new UNet(config, shown, (int)shape[0], classes, precision, random);
        register_module("network", _network);
        if (latents is not null)
            register_module("latents", latents);
        Objectives = [new Objective<ImageBatch>("loss", Loss, [.. _network.parameters()])];
    }

    /// <summary>Its shape.</summary>
    public DiffusionConfig Config { get; }

    /// <summary>What undoes the noise.</summary>
    internal DenoisingNetwork Network => _network;

    /// <summary>The autoencoder in whose latents the model works; null for pixels.</summary>
    internal FrozenAutoencoder? Latents { get; }

    /// <summary>Channels, height and width of what is noisy: of pictures, or of their latents.</summary>
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
        using var random = new Generator(1, batch.Pictures.device);
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
        Device device = batch.Pictures.device;
        long count = batch.Labels.shape[0];
        using var random = new Generator((ulong)seed, device);
        using RowTeam team = Threads.Begin(device, count);
        Tensor? labels = IsConditional ? batch.Labels
            : null, conditionImage =
            _upscaling?.Show(_upscaling.Shrink(batch.Pictures), zeros(count, device: device), random);
        double[] surprise = VariationalBound.Of(batch.Pictures, (x, t) => Look(x, t, count, team), _schedule,
            BoundTimes, random);
        int followed = (int)Math.Max(1, count / FollowedShare);
        double[] flow = FlowLikelihood.Of(batch.Pictures.narrow(0, 0, followed),
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
            return Denoise(x, t, conditionImage?.narrow(0, 0, rows), labels?.narrow(0, 0, rows), guidance: 1, team);
        }

        double Bits(double nats) => nats / (Schema.Size * Math.Log(2));
    }

    /// <inheritdoc/>
    public override SamplingOptions Check(SamplingOptions drawing)
    {
        bool between = drawing.Interpolate is not null;
        string own = between && Config.Sampler == AncestralSampler.Called ? DeterministicSampler : Config.Sampler;
        SamplingOptions whole = drawing with { Sampler = drawing.Sampler ?? own, Steps = drawing.Steps
            ?? Config.SamplerSteps, Guidance = drawing.Guidance ?? Config.Guidance };
        DiffusionSamplers.Find(whole.Sampler);
        if (whole.Steps is < 1 or > 10_000)
            throw new AtelierException($"{whole.Steps} steps are asked for", Mention.Field("steps"),
                "allowed is 1 to 10000");
        if (whole.Guidance is not >= 0 and <= 100)
            throw new AtelierException($"the guidance is {whole.Guidance}", Mention.Field("guidance"),
                "allowed is 0 to 100");
        _upscaling?.Check(whole);
        if (_upscaling is null && whole.Strength is <= 0 or > 1 or double.NaN)
            throw new AtelierException($"the strength is {whole.Strength}", Mention.Field("strength"),
                "allowed is above 0, up to 1");
        if (between && whole.Sampler == AncestralSampler.Called)
            throw new AtelierException(
                "the ancestral sampler adds noise of its own on the way, so that its pictures lie on no way",
                Mention.Field("sampler"), "take ddim, euler, heun or dpm");
        if (between && (whole.From ?? whole.Mask) is not null)
            throw new AtelierException("ways have ends of their own", Mention.Field("from"),
                $"leave it and the mask out, or {Mention.Field("interpolate")}");
        if (_upscaling is null && whole.From is null
            && (whole.Mask is not null
            || (whole.Strength is not null && (!between || Interpolation.AreSeeds(whole.Interpolate!)))))
            throw new AtelierException("a mask and a strength are of a picture to begin from", Mention.Field("from"),
                "name one");
        return drawing.Guidance is null || IsConditional ? whole
            : throw new AtelierException("the model was not taught classes", Mention.Field("guidance"),
                "leave it out, or train with model.conditional true");
    }

    /// <inheritdoc/>
    public override Tensor Sample(Tensor noise, Tensor? labels, SamplingOptions drawing, Generator random,
        Tensor? given = null, CancellationToken cancellation = default)
    {
        long count = noise.shape[0];
        noise = noise.view([count, .. Shape]);
        Tensor? conditionImage = _upscaling?.Show(given ?? _upscaling.Read(drawing, count, noise.device),
            KeptScalars.Full([count], drawing.Strength ?? 0, ScalarType.Float32, noise.device), random);
        InitImage? from = _upscaling is not null ? null : given is null ? InitImage.Read(drawing, Schema, noise.device)
            : new InitImage(given, mask: null);
        InitImage? begun = Latents is null ? from : from?.Encode(Latents);
        double[] times = _schedule.Times(drawing.Steps!.Value, from is null ? 1 : InitImage.Strength(drawing));
        Tensor begin = begun is null ? noise : begun.Noisy(noise, _schedule, times[0]);
        ISampler sampler = DiffusionSamplers.Find(drawing.Sampler!);
        using RowTeam team = Threads.Begin(noise.device, count);
        Denoiser denoise = Watched;
        Tensor drawn =
            Pictures(sampler.Sample(begun?.Hold(denoise, _schedule, noise) ?? denoise, _schedule, times, begin, random))
            .Clamped(-1, 1);
        return from?.Finish(drawn) ?? drawn;

        DenoiserOutput Watched(Tensor x, double t)
        {
            cancellation.ThrowIfCancellationRequested();
            Watch?.Invoke(new(1 - (t / _schedule.Start), () => Pictures(x)));
            return Denoise(x, t, conditionImage, labels, drawing.Guidance!.Value, team);
        }

        Tensor Pictures(Tensor x) =>
            Latents is null ? x : team.Map(count, (first, rows) => Latents.Decode(x.narrow(0, first, rows)));
    }

    /// <summary>
    /// What noisy pictures are made of, with the class's part weighed by the guidance w: none + w (class − none) (Ho
    /// and Salimans 2022, eq. 6).
    /// </summary>
    private DenoiserOutput Denoise(Tensor x, double t, Tensor? conditionImage, Tensor? labels, double guidance,
        RowTeam? team)
    {
        long count = x.shape[0];
        Tensor? none = labels is null ? null
            : KeptScalars.Full([count], Schema.Classes.Count, ScalarType.Int64, x.device);
        if (labels?.dtype == ScalarType.Float32) // between classes: weights of each, and of none
            (labels, none) = (F.pad(labels, [0, 1]), F.one_hot(none!, Schema.Classes.Count + 1).to(ScalarType.Float32));
        bool both = labels is not null && guidance is not 0 and not 1; // with the class and without, in one batch
        Tensor shown = conditionImage is null ? x : cat([x, conditionImage], 1);
        (Tensor looks, Tensor? condition) = both ? (cat([shown, shown], 0), cat([labels!, none!], 0))
            : (shown, guidance == 0 ? none : labels);
        Tensor times = KeptScalars.Full([looks.shape[0]], t, ScalarType.Float32, x.device);
        // with gradients, which a team's threads take none of
        Tensor answer = team is null ? _network.Predict(looks, times, condition)
            : team.Map(looks.shape[0],
                (first, rows) =>
                _network.Predict(looks.narrow(0, first, rows), times.narrow(0, first, rows),
                condition?.narrow(0, first, rows)));
        if (both)
        {
            Tensor without = answer.narrow(0, count, count);
            answer = without.Plus((answer.narrow(0, 0, count) - without).Times(guidance));
        }
        return _prediction.Output(x, answer, t);
    }

    private Tensor Loss(ImageBatch batch) => Loss(batch, StepContext.Current.Random?.Generator);

    private Tensor Loss(ImageBatch batch, Generator? random)
    {
        // or encoded ahead
        Tensor pictures = Latents is null || batch.Pictures.shape[1..].SequenceEqual(Shape) ? batch.Pictures
            : Latents.Encode(batch.Pictures);
        long count = pictures.shape[0];
        Tensor draws = empty([count], device: pictures.device);
        Tensor times = Config.Times == TimeDistribution.LogitNormal ? draws.normal_(0, 1, random).sigmoid()
            : draws.uniform_(0, 1, random);
        Tensor noise = empty_like(pictures).normal_(0, 1, random);
        float[] at = times.cpu().data<float>().ToArray();
        Tensor alpha = _schedule.Alphas(at, pictures.device), sigma = _schedule.Sigmas(at, pictures.device);
        Tensor noisy = alpha.mul(pictures).PlusProduct(sigma, noise);
        Tensor? labels = null;
        if (IsConditional)
        {
            Tensor dropped = empty([count], device: pictures.device).uniform_(0, 1, random).Below(Config.ClassDropout);
            labels = training ? batch.Labels.FilledWhere(dropped, Schema.Classes.Count) : batch.Labels;
        }
        Tensor target = _prediction.Target(new DenoiserOutput(pictures, noise), alpha, sigma);
        if (_upscaling is not null)
            noisy = cat([noisy,
                _upscaling.Show(_upscaling.Shrink(pictures), _upscaling.Times(count, pictures.device, random), random)],
                1);
        return F.mse_loss(_network.Predict(noisy, times, labels), target);
    }
}
