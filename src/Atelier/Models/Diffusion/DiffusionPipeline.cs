using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Layers;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Diffusion;

/// <summary>
/// From noise to images: a sampler that knows no network, a network that knows no sampler, and what a request adds to
/// them: guidance, an image to begin from, or a small image to enlarge.
/// </summary>
/// <param name="config">The configuration.</param>
/// <param name="schema">The size, channels and classes of the images.</param>
/// <param name="network">The network.</param>
/// <param name="schedule">α and σ.</param>
/// <param name="prediction">The network's target.</param>
/// <param name="upscaling">Makes the condition of an upscaling network; null for other networks.</param>
/// <param name="latents">The autoencoder; null for pixels.</param>
/// <param name="shape">Channels, height and width of the noisy tensors.</param>
internal sealed class DiffusionPipeline(DiffusionConfig config, ImageSchema schema, DenoisingNetwork network,
    NoiseSchedule schedule, Prediction prediction, Upscaling? upscaling, FrozenAutoencoder? latents, long[] shape)
{
    // in place of the ancestral sampler where none of its own noise may be added
    private const string DeterministicSampler = "ddim";

    /// <summary>Fills in what a request leaves open, and checks it.</summary>
    /// <param name="drawing">The options of the request.</param>
    /// <param name="defaults">The model's sampling defaults.</param>
    /// <exception cref="AtelierException">This model cannot do what it asks for.</exception>
    public SamplingOptions Check(SamplingOptions drawing, SamplingDefaults defaults)
    {
        bool between = drawing.Interpolate is not null;
        if (config.DistilledSteps > 0)
            CheckDistilled(drawing);
        DiffusionSamplers.Find(defaults.Sampler, "generation.sampler");
        string own = between && defaults.Sampler == AncestralSampler.Called ? DeterministicSampler : defaults.Sampler;
        SamplingOptions whole = drawing with { Sampler = drawing.Sampler ?? own, Steps = drawing.Steps
            ?? defaults.Steps, Guidance = drawing.Guidance ?? defaults.Guidance };
        DiffusionSamplers.Find(whole.Sampler);
        if (whole.Steps is < 1 or > 10_000)
            throw new AtelierException($"the number of steps is {whole.Steps}", Mention.Field("steps"),
                "allowed: 1 to 10000");
        if (whole.Guidance is not >= 0 and <= 100)
            throw new AtelierException($"the guidance is {whole.Guidance}", Mention.Field("guidance"),
                "allowed: 0 to 100");
        upscaling?.Check(whole);
        if (upscaling is null && whole.Strength is <= 0 or > 1 or double.NaN)
            throw new AtelierException($"the strength is {whole.Strength}", Mention.Field("strength"),
                "allowed: above 0, at most 1");
        if (between && whole.Sampler == AncestralSampler.Called)
            throw new AtelierException(
                "the ancestral sampler adds noise at each step, so it cannot interpolate",
                Mention.Field("sampler"), "use ddim, euler, heun or dpm");
        if (between && (whole.From ?? whole.Mask) is not null)
            throw new AtelierException("an interpolation has its own end points", Mention.Field("from"),
                $"leave it and the mask out, or {Mention.Field("interpolate")}");
        if (upscaling is null && whole.From is null
            && (whole.Mask is not null
            || (whole.Strength is not null && (!between || whole.Interpolate!.AreSeeds))))
            throw new AtelierException("a mask and a strength need an image to start from", Mention.Field("from"),
                "name one");
        return drawing.Guidance is null || config.Conditional ? whole
            : throw new AtelierException("the model was not trained with classes", Mention.Field("guidance"),
                "leave it out, or train a model with model.conditional: true");
    }

    /// <summary>Refuses what a model that has learned nothing but its few steps cannot do.</summary>
    private void CheckDistilled(SamplingOptions drawing)
    {
        string steps = $"the model has learned to sample in {config.DistilledSteps} steps";
        (string Field, bool IsWrong)[] given =
        [
            ("steps", drawing.Steps is { } wanted && wanted != config.DistilledSteps),
            ("sampler", drawing.Sampler is not (null or StepDistillation.Sampler)),
            ("guidance", drawing.Guidance is not (null or 1)), ("strength", drawing.Strength is not null),
            ("from", drawing.From is not null), ("mask", drawing.Mask is not null),
        ];
        if (given.FirstOrDefault(one => one.IsWrong).Field is { } field)
            throw new AtelierException($"{steps} of its own", Mention.Field(field),
                "leave it out, or use the model that it was distilled from");
    }

    /// <summary>Samples images; the parameters are those of <see cref="ImageModel.Sample"/>.</summary>
    /// <param name="noise">Standard normal, [batch, size].</param>
    /// <param name="labels">Classes, or weights of all classes; null for none.</param>
    /// <param name="drawing">A checked request.</param>
    /// <param name="random">The random numbers that a sampler adds in its steps.</param>
    /// <param name="given">Images to begin from, or small images to enlarge; null takes those of the request.</param>
    /// <param name="watch">Receives the images of each step, or null.</param>
    /// <param name="cancellation">Stops before the next step.</param>
    /// <returns>[batch, channels, height, width], fp32, −1 to 1.</returns>
    public Tensor Sample(Tensor noise, Tensor? labels, SamplingOptions drawing, Generator random, Tensor? given,
        Action<DrawnSoFar>? watch, CancellationToken cancellation)
    {
        long count = noise.shape[0];
        noise = noise.view([count, .. shape]);
        Tensor? conditionImage = upscaling?.Condition(given ?? upscaling.Read(drawing, count, noise.device),
            KeptScalars.Full([count], drawing.Strength ?? 0, ScalarType.Float32, noise.device), random);
        InitImage? init = upscaling is not null ? null
            : given is null ? InitImage.Decode(drawing, schema, noise.device) : new InitImage(given, mask: null);
        InitImage? encoded = latents is null ? init : init?.Encode(latents);
        double[] times = schedule.Times(drawing.Steps!.Value, init is null ? 1 : InitImage.Strength(drawing));
        Tensor begin = encoded is null ? noise : encoded.Noisy(noise, schedule, times[0]);
        ISampler sampler = DiffusionSamplers.Find(drawing.Sampler!);
        Denoiser denoiser = DenoiseStep;
        Tensor drawn = Images(sampler.Sample(encoded?.Hold(denoiser, schedule, noise) ?? denoiser, schedule, times,
            begin, random)).Clamped(-1, 1);
        return init?.Finish(drawn) ?? drawn;

        DenoiserOutput DenoiseStep(Tensor x, double t)
        {
            cancellation.ThrowIfCancellationRequested();
            watch?.Invoke(new(1 - (t / schedule.Start), () => Images(x)));
            return Denoise(x, t, conditionImage, labels, drawing.Guidance!.Value);
        }

        Tensor Images(Tensor x) => latents is null ? x : BatchRows.Map((rows, _) => latents.Decode(rows), x);
    }

    /// <summary>
    /// The image and the noise in a noisy image. Guidance weights the effect of the class in the network's answer:
    /// none + w (class − none) (Ho and Salimans 2022, eq. 6).
    /// </summary>
    /// <param name="x">x_t, [batch, channels, height, width].</param>
    /// <param name="t">The time.</param>
    /// <param name="conditionImage">The condition of an upscaling network; null for other networks.</param>
    /// <param name="labels">As in <see cref="Sample"/>.</param>
    /// <param name="guidance">w.</param>
    public DenoiserOutput Denoise(Tensor x, double t, Tensor? conditionImage, Tensor? labels, double guidance)
    {
        long count = x.shape[0];
        Tensor? none = labels is null ? null
            : KeptScalars.Full([count], schema.Classes.Count, ScalarType.Int64, x.device);
        if (labels?.dtype == ScalarType.Float32) // weights of all classes, and of none
            (labels, none) = (F.pad(labels, [0, 1]), F.one_hot(none!, schema.Classes.Count + 1).to(ScalarType.Float32));
        Tensor input = conditionImage is null ? x : cat([x, conditionImage], 1);
        Tensor? condition = guidance == 0 ? none : labels;
        bool isGuided = labels is not null && guidance is not 0 and not 1;
        if (isGuided) // with the class and without it, in one batch
            (input, condition) = (cat([input, input], 0), cat([labels!, none!], 0));
        Tensor answer = BatchRows.Map((rows, classes) => network.Predict(rows,
            KeptScalars.Full([rows.shape[0]], t, ScalarType.Float32, x.device), classes), input, condition);
        if (isGuided)
        {
            Tensor without = answer.narrow(0, count, count);
            answer = without.Plus((answer.narrow(0, 0, count) - without).Times(guidance));
        }
        return prediction.Output(x, answer, t);
    }
}
