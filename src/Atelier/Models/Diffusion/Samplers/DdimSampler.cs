using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Samplers;

/// <summary>
/// Moves to the next time along the predicted image and noise: x_s = α_s x₀ + σ_s ε (Song et al. 2021, eq. 12 with η =
/// 0).
/// </summary>
public sealed class DdimSampler : ISampler
{
    /// <inheritdoc/>
    public string Name => "ddim";

    /// <inheritdoc/>
    public Tensor Sample(Denoiser denoiser, NoiseSchedule schedule, IReadOnlyList<double> times, Tensor noise,
        Generator random)
    {
        Tensor x = noise;
        for (int i = 0; i + 1 < times.Count; i++)
        {
            DenoiserOutput parts = denoiser(x, times[i]);
            double s = times[i + 1];
            x = parts.Image.Times(schedule.Alpha(s)).Plus(parts.Noise.Times(schedule.Sigma(s)));
        }
        return x;
    }
}
