using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Samplers;

/// <summary>
/// Heun's method on the same flow as <see cref="EulerSampler"/>: two network evaluations a step, the mean of both
/// slopes; the last step is Euler's (Karras et al. 2022, algorithm 1).
/// </summary>
public sealed class HeunSampler : ISampler
{
    /// <inheritdoc/>
    public string Name => "heun";

    /// <inheritdoc/>
    public Tensor Sample(Denoiser denoiser, NoiseSchedule schedule, IReadOnlyList<double> times, Tensor noise,
        Generator random)
    {
        Tensor x = noise;
        for (int i = 0; i + 1 < times.Count; i++)
        {
            double step = times[i + 1] - times[i];
            Tensor slope = EulerSampler.Velocity(denoiser, schedule, x, times[i]);
            Tensor next = x.Plus(slope.Times(step));
            if (times[i + 1] > 0) // at 0, an image no longer reveals its noise
                next = x.Plus(slope.Plus(EulerSampler.Velocity(denoiser, schedule, next, times[i + 1]))
                    .Times(step / 2));
            x = next;
        }
        return x;
    }
}
