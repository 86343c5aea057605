using Atelier.Abstractions;
using Atelier.Data.Video;
using Atelier.Layers;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Recipes;
using Atelier.Tasks.Video;
using Atelier.Tensors;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Video;

/// <summary>
/// A diffusion model (Ho et al. 2020) or a flow (Lipman et al. 2023) of clips, with factorised space-time layers (Ho et
/// al. 2022). Frames that are given are shown to the network without noise, and are marked, so that one model generates
/// clips from noise alone, continues them, and fills in between frames.
/// </summary>
public sealed class VideoDiffusionModel : VideoModel
{
    private readonly DenoisingNetwork _network;
    private readonly FrameLatents? _latents; // null for a model of pixels
    private readonly long[] _shape; // channels, frames, height and width of what the network works on
    private readonly NoiseSchedule _schedule;
    private readonly Prediction _prediction;
    private readonly DiffusionPipeline _pipeline;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The size, channels, length and classes of its clips.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the clips.</exception>
    public VideoDiffusionModel(VideoDiffusionConfig config, VideoSchema schema, Precision precision, long seed)
        : base("video-diffusion", schema)
    {
        config.Check(schema);
        Config = config;
        _schedule = new NoiseSchedule(config.Schedule, config.TimeShift);
        _prediction = new Prediction(config.Prediction, _schedule);
        using var random = new Generator((ulong)seed, CPU);
        (_shape, int classes) = (config.NoisyShape(schema), config.Conditional ? schema.Classes.Count : 0);
        _network = config.Network == DenoiserKind.Dit
            ? new VideoTransformer(config, _shape, classes, precision, random)
            : new VideoUNet(config, _shape, classes, precision, random);
        _pipeline = new DiffusionPipeline(new DiffusionConfig { Conditional = config.Conditional }, schema.Image,
            _network, _schedule, _prediction, upscaling: null, latents: null, _shape);
        register_module("network", _network);
        if (config.LatentLevels.Count > 0)
        {
            _latents = new FrameLatents(config, schema, precision, random);
            register_module("latents", _latents);
        }
        Objectives = [new Objective<VideoBatch>("loss", batch => Loss(batch), [.. parameters()])];
    }

    /// <summary>The configuration.</summary>
    public VideoDiffusionConfig Config { get; }

    /// <inheritdoc/>
    public override bool IsConditional => Config.Conditional;

    /// <inheritdoc/>
    public override bool GeneratesFreely => true;

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<VideoBatch>> Objectives { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> SamplingFields =>
        ["sampler", "steps", .. IsConditional ? (string[])["guidance"] : []];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(VideoBatch batch)
    {
        // the same times, noise and given frames each time, so that measurements can be compared
        using var random = new Generator(1, batch.Frames.device);
        double loss = Denoising(batch, random).Number();
        if (_latents is null)
            return new Dictionary<string, double> { ["loss"] = loss };
        double reconstruction = _latents.Reconstruction(batch.Frames, random).Number();
        return new Dictionary<string, double>
        {
            ["loss"] = loss + reconstruction,
            ["denoising"] = loss,
            ["reconstruction"] = reconstruction,
        };
    }

    /// <inheritdoc/>
    public override SamplingOptions Check(SamplingOptions drawing, SamplingDefaults defaults) =>
        (drawing.From ?? drawing.Mask) is null && drawing.Strength is null && drawing.Interpolate is null
        ? _pipeline.Check(drawing, defaults)
        : throw new AtelierException("a video begins from frames, not from one image", Mention.Field("from"),
            $"name the frames by {Mention.Field("input")}");

    /// <inheritdoc/>
    public override Tensor Sample(Tensor noise, GivenFrames? given, Tensor? labels, VideoSampling sampling,
        Generator random, CancellationToken cancellation = default)
    {
        long count = noise.shape[0];
        noise = noise.narrow(1, 0, _shape.Aggregate(1L, (product, side) => product * side)).view([count, .. _shape]);
        Tensor mask = given?.Mask().transpose(1, 2) ?? zeros([1, 1, Schema.Frames, 1, 1], device: noise.device);
        Tensor channel = mask.expand([count, 1, .. _shape[1..]]);
        Tensor? known = given is null ? null : Noisy(given.Frames);
        Denoiser denoiser = (x, t) =>
        {
            cancellation.ThrowIfCancellationRequested();
            DenoiserOutput output = _pipeline.Denoise(Held(x), t, channel, labels, sampling.Drawing.Guidance!.Value);
            return output with { Image = Held(output.Image) };
        };
        Tensor drawn = DiffusionSamplers.Find(sampling.Drawing.Sampler!)
            .Sample(denoiser, _schedule, _schedule.Times(sampling.Drawing.Steps!.Value), noise, random);
        Tensor clips = (_latents is null ? drawn.transpose(1, 2)
            : BatchRows.Map((rows, _) => _latents.Decode(rows), drawn)).Clamped(-1, 1);
        return given is null ? clips : clips.lerp(given.Frames, given.Mask());

        Tensor Held(Tensor x) => known is null ? x : x.lerp(known, mask);
    }

    /// <summary>What the network works on, [batch, channels, frames, height, width]: clips or their latents.</summary>
    private Tensor Noisy(Tensor clips) => _latents?.Encode(clips) ?? clips.transpose(1, 2);

    private Tensor Loss(VideoBatch batch)
    {
        Tensor loss = Denoising(batch);
        return _latents is null ? loss : loss.Plus(_latents.Reconstruction(batch.Frames, random: null));
    }

    /// <summary>
    /// The mean squared error of the prediction at random times, over frames that are not given (Ho et al. 2020, eq.
    /// 14; Lipman et al. 2023, eq. 9).
    /// </summary>
    private Tensor Denoising(VideoBatch batch, Generator? random = null)
    {
        Tensor clips = Noisy(batch.Frames);
        long count = clips.shape[0];
        Device device = clips.device;
        Tensor times = _schedule.TrainingTimes(count, Config.Times, device, random);
        Tensor noise = empty(clips.shape, device: device).FillNormal(random);
        Tensor alpha = _schedule.Alphas(times).unsqueeze(-1), sigma = _schedule.Sigmas(times).unsqueeze(-1);
        // [batch, 1, frames, 1, 1]
        Tensor mask = TrainingMask(empty([count, 3], device: device).FillUniform(0, 1, random));
        Tensor input = alpha.mul(clips).PlusProduct(sigma, noise).lerp(clips, mask); // x_t = α x₀ + σ ε, or x₀
        Tensor? condition = !Config.Conditional ? null
            : training ? Dropout.OfLabels(batch.Labels, Config.ClassDropout, Schema.Classes.Count, random)
            : batch.Labels;
        Tensor channel = mask.expand([count, 1, .. _shape[1..]]);
        Tensor error = _network.Predict(cat([input, channel], 1), times, condition)
            .sub(_prediction.Target(new DenoiserOutput(clips, noise), alpha, sigma));
        Tensor free = mask.Times(-1).PlusNumber(1);
        return error.Squared().mul(free).sum().div(free.sum().Times(_shape[0] * _shape[2] * _shape[3]));
    }

    /// <summary>
    /// Draws which frames are given: none, the first up to half of them, or some at both ends, at least one frame of
    /// each clip is not.
    /// </summary>
    private Tensor TrainingMask(Tensor uniform)
    {
        float[] drawn = uniform.cpu().data<float>().ToArray();
        int frames = Schema.Frames, count = drawn.Length / 3, most = Math.Max(1, frames / 2);
        var mask = new float[count * frames];
        for (int clip = 0; clip < count; clip++)
        {
            float kind = drawn[3 * clip];
            int first = 1 + (int)(drawn[(3 * clip) + 1] * most), last = 0;
            if (kind >= Config.NextShare + Config.BetweenShare)
                continue;
            if (kind >= Config.NextShare)
                (first, last) = (Math.Min(first, Math.Max(1, frames / 4)),
                    1 + (int)(drawn[(3 * clip) + 2] * (frames / 4)));
            for (int frame = 0; frame < frames; frame++)
                mask[(clip * frames) + frame] =
                    (frame < first || frame >= frames - last) && first + last < frames ? 1 : 0;
        }
        return tensor(mask, [count, 1, frames, 1, 1]).to(uniform.device);
    }
}
