using Atelier.Models.Diffusion.Samplers;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// −log P(x) of pictures under the flow that samplers without noise follow: the density of the noise that an image is
/// mapped to, corrected by the divergence of the flow on its path, d log p / dt = −∇·v (Chen et al. 2018, theorem 1;
/// Song et al. 2021, eq. 39; Lipman et al. 2023, appendix C), with Hutchinson's estimate eᵀ ∂v/∂x e of the divergence,
/// e of random signs. A density is of numbers, so that even noise of a value's step is laid over the values, which
/// makes the figure a bound from above (Theis et al. 2016, section 3.1).
/// </summary>
internal static class FlowLikelihood
{
    private const double ValueStep = 2.0 / 255, LeastLogRatio = -6, MostLogRatio = 6; // as VariationalBound has them

    /// <summary>The surprise of each picture, in nats.</summary>
    /// <param name="pictures">[batch, channels, height, width], fp32, each value one of 256 evenly from −1 to
    /// 1.</param>
    /// <param name="denoiser">The model; its answers' gradients are taken.</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="steps">Of Heun's method, even in log(α / σ).</param>
    /// <param name="random">Draws the noise over the values and the signs.</param>
    public static double[] Of(Tensor pictures, Denoiser denoiser, NoiseSchedule schedule, int steps, Generator random)
    {
        using var scope = NewDisposeScope();
        long count = pictures.shape[0], size = pictures.numel() / count;
        double least = Math.Max(LeastLogRatio, schedule.LogRatio(schedule.Start));
        double[] times = [.. Enumerable.Range(0, steps + 1)
            .Select(i => schedule.TimeOf(MostLogRatio + ((least - MostLogRatio) * i / steps)))];
        Tensor x = pictures.Plus(empty_like(pictures).uniform_(-ValueStep / 2, ValueStep / 2, random));
        Tensor signs = empty_like(pictures).uniform_(-1, 1, random).sign();
        Tensor spread = zeros(count, ScalarType.Float64, pictures.device); // the integral of the divergence
        (Tensor slope, Tensor divergence) = Flow(denoiser, schedule, x, times[0], signs);
        for (int i = 0; i < steps; i++)
        {
            double step = times[i + 1] - times[i];
            (Tensor ahead, _) = Flow(denoiser, schedule, x.Plus(slope.Times(step)), times[i + 1], signs);
            x = x.Plus(slope.Plus(ahead).Times(step / 2));
            // where the way has come to, for both sides of it
            (slope, Tensor next) = Flow(denoiser, schedule, x, times[i + 1], signs);
            spread = spread.Plus(divergence.Plus(next).Times(step / 2));
            divergence = next;
        }
        Tensor surprise = x.Squared().flatten(1).sum(1, type: ScalarType.Float64).Times(0.5).sub(spread);
        return surprise.PlusNumber(size * ((0.5 * Math.Log(2 * Math.PI)) - Math.Log(ValueStep))).cpu().data<double>()
            .ToArray();
    }

    /// <summary>dx/dt, and eᵀ ∂(dx/dt)/∂x e of each picture, [batch].</summary>
    internal static (Tensor Slope, Tensor Divergence) Flow(Denoiser denoiser, NoiseSchedule schedule, Tensor x,
        double t, Tensor signs)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        Tensor at = x.detach().requires_grad_(true);
        Tensor slope = EulerSampler.Velocity(denoiser, schedule, at, t);
        Tensor product = autograd.grad([slope], [at], [signs])[0];
        Tensor divergence = product.mul(signs).flatten(1).sum(1, type: ScalarType.Float64);
        return (slope.detach().MoveToOuterDisposeScope(), divergence.MoveToOuterDisposeScope());
    }
}
