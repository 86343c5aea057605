using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Samplers;

/// <summary>
/// Draws each step from q(x_s | x_t, x₀) with the predicted x₀ (Ho et al. 2020, algorithm 2 and eq. 7, for any α and
/// σ).
/// </summary>
public sealed class AncestralSampler : ISampler
{
    /// <summary>The sampler's name.</summary>
    internal const string Called = "ancestral";

    /// <inheritdoc/>
    public string Name => Called;

    /// <inheritdoc/>
    public Tensor Sample(Denoiser denoiser, NoiseSchedule schedule, IReadOnlyList<double> times, Tensor noise,
        Generator random)
    {
        Tensor x = noise;
        for (int i = 0; i + 1 < times.Count; i++)
        {
            double t = times[i], s = times[i + 1];
            (double alphaT, double sigmaT, double alphaS, double sigmaS) =
                (schedule.Alpha(t), schedule.Sigma(t), schedule.Alpha(s), schedule.Sigma(s));
            Tensor image = denoiser(x, t).Image;
            // with a = α_t / α_s and β² = σ_t² − a² σ_s²: mean = (a σ_s² x + α_s β² x₀) / σ_t²,
            // variance = σ_s² β² / σ_t²
            double ratio = alphaT / alphaS, added = (sigmaT * sigmaT) - (ratio * ratio * sigmaS * sigmaS),
                total = sigmaT * sigmaT;
            x = x.Times(ratio * sigmaS * sigmaS / total).Plus(image.Times(alphaS * added / total));
            if (sigmaS > 0)
                x = x.Plus(empty_like(x).FillNormal(random).Times(sigmaS * Math.Sqrt(added) / sigmaT));
        }
        return x;
    }
}
