using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Samplers;

/// <summary>
/// DPM-Solver++(2M): linear in x exactly, the predicted picture extrapolated from two times in λ = log(α / σ) (Lu et
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
        Tensor? before = null; // the picture predicted a step earlier
        double stepBefore = 0;
        for (int i = 0; i + 1 < times.Count; i++)
        {
            double t = times[i], s = times[i + 1];
            Tensor picture = denoiser(x, t).Picture;
            if (s == 0 || !double.IsFinite(schedule.LogRatio(t)) || i == 0)
            {
                // The first step has no earlier picture, and over the last, λ goes to infinity: first order, which is
                // DDIM.
                double keep = schedule.Sigma(s) / schedule.Sigma(t);
                x = x.Times(keep).Plus(picture.Times(schedule.Alpha(s) - (keep * schedule.Alpha(t))));
                stepBefore = schedule.LogRatio(s) - schedule.LogRatio(t);
            }
            else
            {
                double step = schedule.LogRatio(s) - schedule.LogRatio(t);
                double beyond = double.IsFinite(stepBefore) ? step / stepBefore / 2 : 0; // 1 / 2r of the paper
                Tensor extrapolated = picture.Times(1 + beyond).Plus(before!.Times(-beyond));
                x = x.Times(schedule.Sigma(s) / schedule.Sigma(t))
                    .Plus(extrapolated.Times(-schedule.Alpha(s) * double.ExpM1(-step)));
                stepBefore = step;
            }
            before = picture;
        }
        return x;
    }
}
