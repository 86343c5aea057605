using Atelier.Layers;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// An upper bound on −log P(x) of images with 256 values a channel: the variational bound of Ho et al. 2020, eq. 5,
/// with infinitely many steps, for any schedule and prediction (Kingma et al. 2021, eq. 11 and 17 to 19): KL(q(x_last |
/// x) ‖ N(0, I)) − E log P(x | x_first) + ∫ E ‖ε − ε̂‖² dρ, with ρ = log(α / σ). P(x | x_first) divides the probability
/// of a value among the 256 values by a normal distribution around x_first, so that no noise has to be added to the
/// images (no dequantisation).
/// </summary>
internal static class VariationalBound
{
    /// <summary>log(α / σ) at which nothing is left of an image: α / σ is 1/400.</summary>
    public const double LeastLogRatio = -6;

    /// <summary>log(α / σ) at which the noise is a third of the distance between two values: α / σ is 400.</summary>
    public const double MostLogRatio = 6;

    private const int Values = 256;

    /// <summary>The bound of each image, in nats, estimated without bias.</summary>
    /// <param name="images">[batch, channels, height, width], fp32; each value is one of 256 evenly spaced numbers from
    /// −1 to 1.</param>
    /// <param name="denoiser">The model.</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="strata">Number of equal parts of the integral; one time is drawn from each.</param>
    /// <param name="random">Draws times and noise.</param>
    public static double[] Of(Tensor images, Denoiser denoiser, NoiseSchedule schedule, int strata, Generator random)
    {
        using var scope = NewDisposeScope();
        double least = Math.Max(LeastLogRatio, schedule.LogRatio(1)), width = (MostLogRatio - least) / strata;
        Tensor sum = Prior(images, schedule, schedule.TimeOf(least))
            .Plus(Reconstruction(images, schedule, schedule.TimeOf(MostLogRatio), random));
        float[] offsets = empty(strata).FillUniform(0, 1, random).cpu().data<float>().ToArray();
        for (int i = 0; i < strata; i++)
        {
            using var each = NewDisposeScope();
            double t = schedule.TimeOf(least + ((i + offsets[i]) * width));
            Tensor noise = empty_like(images).FillNormal(random);
            Tensor predicted = denoiser(images.Times(schedule.Alpha(t)).Plus(noise.Times(schedule.Sigma(t))), t).Noise;
            sum = sum.Plus(noise.sub(predicted).Squared().flatten(1).sum(1, type: ScalarType.Float64).Times(width))
                .MoveToOuterDisposeScope();
        }
        return sum.cpu().data<double>().ToArray();
    }

    /// <summary>KL(N(α x, σ²) ‖ N(0, 1)) = (σ² + α² x² − 1 − log σ²) / 2, summed over an image's values.</summary>
    private static Tensor Prior(Tensor images, NoiseSchedule schedule, double t)
    {
        double alpha = schedule.Alpha(t), sigma = schedule.Sigma(t);
        Tensor squares = images.Squared().flatten(1).sum(1, type: ScalarType.Float64);
        return squares.Times(alpha * alpha / 2)
            .PlusNumber(images.numel() / images.shape[0] * ((sigma * sigma) - 1 - (2 * Math.Log(sigma))) / 2);
    }

    /// <summary>
    /// −log P(x | x_t), summed over an image's values: P(v | x_t) ∝ exp(−(x_t / α − v)² α² / 2σ²) for the 256 values v.
    /// </summary>
    private static Tensor Reconstruction(Tensor images, NoiseSchedule schedule, double t, Generator random)
    {
        double deviation = schedule.Sigma(t) / schedule.Alpha(t);
        Tensor values = linspace(-1, 1, Values, ScalarType.Float32, images.device);
        Tensor[] each = [.. Enumerable.Range(0, (int)images.shape[0]).Select(i =>
        {
            using var scope = NewDisposeScope(); // one image at a time, since each of its values has 256 logits
            Tensor image = images[i].flatten();
            Tensor noise = empty_like(image).FillNormal(random);
            Tensor logits = image.Plus(noise.Times(deviation)).unsqueeze(1).sub(values).DividedBy(deviation).Squared()
                .Times(-0.5);
            Tensor own = image.PlusNumber(1).Times((Values - 1) / 2.0).round().to(ScalarType.Int64).unsqueeze(1);
            return logits.log_softmax(1).gather(1, own).sum(type: ScalarType.Float64).neg().MoveToOuterDisposeScope();
        })];
        return stack(each);
    }
}
