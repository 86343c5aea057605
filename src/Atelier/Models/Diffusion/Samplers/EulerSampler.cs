using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Samplers;

/// <summary>
/// Euler's method on the flow dx/dt = α'(t) x₀ + σ'(t) ε (Lipman et al. 2023, eq. 1; Song et al. 2021, eq. 13 in these
/// terms).
/// </summary>
public sealed class EulerSampler : ISampler
{
    /// <inheritdoc/>
    public string Name => "euler";

    /// <inheritdoc/>
    public Tensor Sample(Denoiser denoiser, NoiseSchedule schedule, IReadOnlyList<double> times, Tensor noise,
        Generator random)
    {
        Tensor x = noise;
        for (int i = 0; i + 1 < times.Count; i++)
            x = x.Plus(Velocity(denoiser, schedule, x, times[i]).Times(times[i + 1] - times[i]));
        return x;
    }

    /// <summary>dx/dt at a point and a time.</summary>
    internal static Tensor Velocity(Denoiser denoiser, NoiseSchedule schedule, Tensor x, double t)
    {
        DenoiserOutput parts = denoiser(x, t);
        return parts.Image.Times(schedule.AlphaRate(t)).Plus(parts.Noise.Times(schedule.SigmaRate(t)));
    }
}
