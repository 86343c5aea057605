using Atelier.Layers;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// −log P(x) of images under the flow that samplers without noise follow: the density of the noise that an image is
/// mapped to, corrected by the divergence of the flow on its path, d log p / dt = −∇·v (Chen et al. 2018, theorem 1;
/// Song et al. 2021, eq. 39; Lipman et al. 2023, appendix C), with Hutchinson's estimate eᵀ ∂v/∂x e of the divergence
/// for random signs e. Images have discrete values and the flow has a density, so uniform noise of the width between
/// two values is added, which makes the result an upper bound (Theis et al. 2016, section 3.1).
/// </summary>
internal static class FlowLikelihood
{
    private const double ValueStep = 2.0 / 255;

    /// <summary>−log P(x) of each image, in nats.</summary>
    /// <param name="images">[batch, channels, height, width], fp32; each value is one of 256 evenly spaced numbers from
    /// −1 to 1.</param>
    /// <param name="denoiser">The model; gradients go through it.</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="steps">Steps of Heun's method, evenly spaced in log(α / σ).</param>
    /// <param name="random">Draws the noise and the signs.</param>
    public static double[] Of(Tensor images, Denoiser denoiser, NoiseSchedule schedule, int steps, Generator random)
    {
        const double leastLogRatio = VariationalBound.LeastLogRatio, mostLogRatio = VariationalBound.MostLogRatio;
        using var scope = NewDisposeScope();
        long count = images.shape[0], size = images.numel() / count;
        double least = Math.Max(leastLogRatio, schedule.LogRatio(schedule.Start));
        double[] times = [.. Enumerable.Range(0, steps + 1)
            .Select(i => schedule.TimeOf(mostLogRatio + ((least - mostLogRatio) * i / steps)))];
        Tensor x = images.Plus(empty_like(images).FillUniform(-ValueStep / 2, ValueStep / 2, random));
        Tensor signs = empty_like(images).FillUniform(-1, 1, random).sign();
        Tensor integral = zeros(count, ScalarType.Float64, images.device); // of the divergence
        (Tensor slope, Tensor divergence) = Flow(denoiser, schedule, x, times[0], signs);
        for (int i = 0; i < steps; i++)
        {
            double step = times[i + 1] - times[i];
            (Tensor ahead, _) = Flow(denoiser, schedule, x.Plus(slope.Times(step)), times[i + 1], signs);
            x = x.Plus(slope.Plus(ahead).Times(step / 2));
            // at the end of this step, which is the beginning of the next
            (slope, Tensor next) = Flow(denoiser, schedule, x, times[i + 1], signs);
            integral = integral.Plus(divergence.Plus(next).Times(step / 2));
            divergence = next;
        }
        Tensor nats = x.Squared().flatten(1).sum(1, type: ScalarType.Float64).Times(0.5).sub(integral);
        return nats.PlusNumber(size * ((0.5 * Math.Log(2 * Math.PI)) - Math.Log(ValueStep))).cpu().data<double>()
            .ToArray();
    }

    /// <summary>dx/dt, and eᵀ ∂(dx/dt)/∂x e of each image, [batch].</summary>
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
