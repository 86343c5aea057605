using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Samplers;

/// <summary>
/// DPM-Solver++(2M): linear in x exactly, the predicted image extrapolated from two times in λ = log(α / σ) (Lu et
/// al. 2022, algorithm 2).
/// </summary>
public sealed class DpmSolverSampler : ISampler
{
    /// <inheritdoc/>
    public string Name => "dpm";

    /// <inheritdoc/>
    public Tensor Sample(Denoiser denoiser, NoiseSchedule schedule, IReadOnlyList<double> times, Tensor noise,
        Generator random)
    {
        Tensor x = noise;
        Tensor? before = null; // the image predicted one step earlier
        double stepBefore = 0;
        for (int i = 0; i + 1 < times.Count; i++)
        {
            double t = times[i], s = times[i + 1];
            Tensor image = denoiser(x, t).Image;
            if (s == 0 || !double.IsFinite(schedule.LogRatio(t)) || i == 0)
            {
                // The first step has no earlier image, and over the last, λ goes to infinity: first order, which is
                // DDIM.
                double keep = schedule.Sigma(s) / schedule.Sigma(t);
                x = x.Times(keep).Plus(image.Times(schedule.Alpha(s) - (keep * schedule.Alpha(t))));
                stepBefore = schedule.LogRatio(s) - schedule.LogRatio(t);
            }
            else
            {
                double step = schedule.LogRatio(s) - schedule.LogRatio(t);
                double beyond = double.IsFinite(stepBefore) ? step / stepBefore / 2 : 0; // 1 / 2r of the paper
                Tensor extrapolated = image.Times(1 + beyond).Plus(before!.Times(-beyond));
                x = x.Times(schedule.Sigma(s) / schedule.Sigma(t))
                    .Plus(extrapolated.Times(-schedule.Alpha(s) * double.ExpM1(-step)));
                stepBefore = step;
            }
            before = image;
        }
        return x;
    }
}
