using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Training.Execution;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Diffusion;

/// <summary>
/// From noise to pictures: a sampler that knows nothing of the network, a network that knows nothing of the sampler,
/// and what a request adds on the way: guidance, a picture to begin from, a small one to enlarge.
/// </summary>
/// <param name="config">The configuration.</param>
/// <param name="schema">What the pictures have in common.</param>
/// <param name="network">Predicts.</param>
/// <param name="schedule">α and σ.</param>
/// <param name="prediction">What the network predicts.</param>
/// <param name="upscaling">What a network that enlarges is shown; null for others.</param>
/// <param name="latents">The autoencoder; null for pixels.</param>
/// <param name="shape">Channels, height and width of what is noisy.</param>
/// <param name="threads">Share out the rows.</param>
internal sealed class DiffusionPipeline(DiffusionConfig config, ImageSchema schema, DenoisingNetwork network,
    NoiseSchedule schedule, Prediction prediction, Upscaling? upscaling, FrozenAutoencoder? latents, long[] shape,
    SamplingThreads threads)
{
    // where the ancestral one is usual and would add noise of its own
    private const string DeterministicSampler = "ddim";

    /// <summary>Fills in what a request leaves open, and checks it.</summary>
    /// <param name="drawing">The request's options.</param>
    /// <param name="defaults">What it takes where it does not say.</param>
    /// <exception cref="AtelierException">It asks for what this model cannot do.</exception>
    public SamplingOptions Check(SamplingOptions drawing, SamplingDefaults defaults)
    {
        bool between = drawing.Interpolate is not null;
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

    /// <summary>Samples pictures from noise; parameters as <see cref="ImageModel.Sample"/> has them.</summary>
    /// <param name="noise">Standard normal, [batch, size].</param>
    /// <param name="labels">Classes, or the weights of each; null for none.</param>
    /// <param name="drawing">A checked request.</param>
    /// <param name="random">Draws what a sampler adds on the way.</param>
    /// <param name="given">Pictures to begin from, or small ones to enlarge; null takes what the request names.</param>
    /// <param name="watch">Is given each step's pictures; null for nobody.</param>
    /// <param name="cancellation">Stops before the next step.</param>
    /// <returns>[batch, channels, height, width], fp32, −1 to 1.</returns>
    public Tensor Sample(Tensor noise, Tensor? labels, SamplingOptions drawing, Generator random, Tensor? given,
        Action<DrawnSoFar>? watch, CancellationToken cancellation)
    {
        long count = noise.shape[0];
        noise = noise.view([count, .. shape]);
        Tensor? conditionImage = upscaling?.Show(given ?? upscaling.Read(drawing, count, noise.device),
            KeptScalars.Full([count], drawing.Strength ?? 0, ScalarType.Float32, noise.device), random);
        InitImage? from = upscaling is not null ? null
            : given is null ? InitImage.Decode(drawing, schema, noise.device) : new InitImage(given, mask: null);
        InitImage? begun = latents is null ? from : from?.Encode(latents);
        double[] times = schedule.Times(drawing.Steps!.Value, from is null ? 1 : InitImage.Strength(drawing));
        Tensor begin = begun is null ? noise : begun.Noisy(noise, schedule, times[0]);
        ISampler sampler = DiffusionSamplers.Find(drawing.Sampler!);
        using RowTeam team = threads.Begin(noise.device, count);
        Denoiser denoise = Watched;
        Tensor drawn =
            Pictures(sampler.Sample(begun?.Hold(denoise, schedule, noise) ?? denoise, schedule, times, begin, random))
            .Clamped(-1, 1);
        return from?.Finish(drawn) ?? drawn;

        DenoiserOutput Watched(Tensor x, double t)
        {
            cancellation.ThrowIfCancellationRequested();
            watch?.Invoke(new(1 - (t / schedule.Start), () => Pictures(x)));
            return Denoise(x, t, conditionImage, labels, drawing.Guidance!.Value, team);
        }

        Tensor Pictures(Tensor x) =>
            latents is null ? x : team.Map(count, (first, rows) => latents.Decode(x.narrow(0, first, rows)));
    }

    /// <summary>
    /// What noisy pictures are made of, with the class's part weighed by the guidance w: none + w (class − none) (Ho
    /// and Salimans 2022, eq. 6).
    /// </summary>
    /// <param name="x">x_t, [batch, channels, height, width].</param>
    /// <param name="t">The time.</param>
    /// <param name="conditionImage">The small image of an upscaling network, as the network reads it; null for
    /// others.</param>
    /// <param name="labels">As in <see cref="Sample"/>.</param>
    /// <param name="guidance">w.</param>
    /// <param name="team">Shares out the rows; null keeps gradients.</param>
    public DenoiserOutput Denoise(Tensor x, double t, Tensor? conditionImage, Tensor? labels, double guidance,
        RowTeam? team)
    {
        long count = x.shape[0];
        Tensor? none = labels is null ? null
            : KeptScalars.Full([count], schema.Classes.Count, ScalarType.Int64, x.device);
        if (labels?.dtype == ScalarType.Float32) // between classes: weights of each, and of none
            (labels, none) = (F.pad(labels, [0, 1]), F.one_hot(none!, schema.Classes.Count + 1).to(ScalarType.Float32));
        bool both = labels is not null && guidance is not 0 and not 1; // with the class and without, in one batch
        Tensor shown = conditionImage is null ? x : cat([x, conditionImage], 1);
        (Tensor looks, Tensor? condition) = both ? (cat([shown, shown], 0), cat([labels!, none!], 0))
            : (shown, guidance == 0 ? none : labels);
        Tensor times = KeptScalars.Full([looks.shape[0]], t, ScalarType.Float32, x.device);
        // with gradients, which a team's threads take none of
        Tensor answer = team is null ? network.Predict(looks, times, condition)
            : team.Map(looks.shape[0],
                (first, rows) =>
                network.Predict(looks.narrow(0, first, rows), times.narrow(0, first, rows),
                condition?.narrow(0, first, rows)));
        if (both)
        {
            Tensor without = answer.narrow(0, count, count);
            answer = without.Plus((answer.narrow(0, 0, count) - without).Times(guidance));
        }
        return prediction.Output(x, answer, t);
    }
}
