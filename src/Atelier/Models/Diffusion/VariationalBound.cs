using Atelier.Models.Diffusion.Samplers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// A bound from above on −log P(x) of pictures with 256 values a channel: the variational bound of Ho et al. 2020, eq.
/// 5, with infinitely many steps, for any schedule and prediction (Kingma et al. 2021, eq. 11 and 17 to 19):
/// KL(q(x_last | x) ‖ N(0, I)) − E log P(x | x_first) + ∫ E ‖ε − ε̂‖² dρ, with ρ = log(α / σ). Each value's P(x |
/// x_first) is shared out among the 256 by the Gaussian around what was seen, so that nothing is added to the pictures
/// (no dequantisation).
/// </summary>
internal static class VariationalBound
{
    // α / σ of 1/400, where no picture is left, and of 400, where noise is a third of a value's step
    private const double LeastLogRatio = -6, MostLogRatio = 6;
    private const int Values = 256;

    /// <summary>The bound of each picture, in nats, estimated without bias.</summary>
    /// <param name="pictures">[batch, channels, height, width], fp32, each value one of 256 evenly from −1 to
    /// 1.</param>
    /// <param name="denoiser">The model.</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="strata">Even parts of the integral's range, of each of which one time is drawn.</param>
    /// <param name="random">Draws times and noise.</param>
    public static double[] Of(Tensor pictures, Denoiser denoiser, NoiseSchedule schedule, int strata, Generator random)
    {
        using var scope = NewDisposeScope();
        double least = Math.Max(LeastLogRatio, schedule.LogRatio(1)), width = (MostLogRatio - least) / strata;
        Tensor sum = Prior(pictures, schedule, schedule.TimeOf(least))
            .Plus(Reconstruction(pictures, schedule, schedule.TimeOf(MostLogRatio), random));
        float[] places = empty(strata).uniform_(0, 1, random).cpu().data<float>().ToArray();
        for (int i = 0; i < strata; i++)
        {
            using var each = NewDisposeScope();
            double t = schedule.TimeOf(least + ((i + places[i]) * width));
            Tensor noise = empty_like(pictures).normal_(0, 1, random);
            Tensor seen = denoiser(pictures.Times(schedule.Alpha(t)).Plus(noise.Times(schedule.Sigma(t))), t).Noise;
            sum = sum.Plus(noise.sub(seen).Squared().flatten(1).sum(1, type: ScalarType.Float64).Times(width))
                .MoveToOuterDisposeScope();
        }
        return sum.cpu().data<double>().ToArray();
    }

    /// <summary>KL(N(α x, σ²) ‖ N(0, 1)) = (σ² + α² x² − 1 − log σ²) / 2, the sum over a picture's values.</summary>
    private static Tensor Prior(Tensor pictures, NoiseSchedule schedule, double t)
    {
        double alpha = schedule.Alpha(t), sigma = schedule.Sigma(t);
        Tensor squares = pictures.Squared().flatten(1).sum(1, type: ScalarType.Float64);
        return squares.Times(alpha * alpha / 2)
            .PlusNumber(pictures.numel() / pictures.shape[0] * ((sigma * sigma) - 1 - (2 * Math.Log(sigma))) / 2);
    }

    /// <summary>
    /// −log P(x | x_t), the sum over a picture's values: P(v | x_t) ∝ exp(−(x_t / α − v)² α² / 2σ²) over the 256 values
    /// v.
    /// </summary>
    private static Tensor Reconstruction(Tensor pictures, NoiseSchedule schedule, double t, Generator random)
    {
        double deviation = schedule.Sigma(t) / schedule.Alpha(t);
        Tensor values = linspace(-1, 1, Values, ScalarType.Float32, pictures.device);
        Tensor[] each = [.. Enumerable.Range(0, (int)pictures.shape[0]).Select(i =>
        {
            using var scope = NewDisposeScope(); // one picture at a time: each of its values has 256 beside it
            Tensor picture = pictures[i].flatten();
            Tensor noise = empty_like(picture).normal_(0, 1, random);
            Tensor logits = picture.Plus(noise.Times(deviation)).unsqueeze(1).sub(values).DividedBy(deviation).Squared()
                .Times(-0.5);
            Tensor own = picture.PlusNumber(1).Times((Values - 1) / 2.0).round().to(ScalarType.Int64).unsqueeze(1);
            return logits.log_softmax(1).gather(1, own).sum(type: ScalarType.Float64).neg().MoveToOuterDisposeScope();
        })];
        return stack(each);
    }
}
