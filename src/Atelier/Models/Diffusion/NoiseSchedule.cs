using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>The kinds of noise schedules over the time t from 0 to 1.</summary>
public enum ScheduleKind
{
    /// <summary>
    /// A noise rate that rises linearly from 0.1 to 20: the limit of many steps of Ho et al. 2020 (Song et al. 2021,
    /// eq. 33).
    /// </summary>
    Linear,

    /// <summary>α = cos(πt / 2), σ = sin(πt / 2) (Nichol and Dhariwal 2021, without the offset).</summary>
    Cosine,

    /// <summary>The straight path of flow matching: α = 1 − t, σ = t (Lipman et al. 2023; Liu et al. 2023).</summary>
    Flow,
}

/// <summary>
/// The noise schedule x_t = α(t) x₀ + σ(t) ε, with ε standard normal. Predictions, samplers and losses all use α and σ;
/// the schedule knows no network.
/// </summary>
/// <param name="kind">The kind of schedule.</param>
/// <param name="shift">The shift of the times of training and sampling, as in <see cref="Shifted"/>.</param>
public sealed class NoiseSchedule(ScheduleKind kind, double shift = 1)
{
    private const double LeastRate = 0.1, MostRate = 20;

    /// <summary>The kind of schedule.</summary>
    public ScheduleKind Kind => kind;

    /// <summary>
    /// The time at which sampling begins: just before α is so small that fp32 cannot distinguish an image from noise.
    /// </summary>
    public double Start => kind == ScheduleKind.Flow ? 1 : 0.998;

    /// <summary>The weight of the image at a time.</summary>
    public double Alpha(double t) => kind switch
    {
        ScheduleKind.Linear => Math.Exp((-0.25 * t * t * (MostRate - LeastRate)) - (0.5 * t * LeastRate)),
        ScheduleKind.Cosine => Math.Cos(Math.PI / 2 * t),
        _ => 1 - t,
    };

    /// <summary>The standard deviation of the noise at a time.</summary>
    public double Sigma(double t) => kind switch
    {
        ScheduleKind.Linear => Math.Sqrt(-double.ExpM1(2 * Math.Log(Alpha(t)))),
        ScheduleKind.Cosine => Math.Sin(Math.PI / 2 * t),
        _ => t,
    };

    /// <summary>dα/dt.</summary>
    public double AlphaRate(double t) => kind switch
    {
        ScheduleKind.Linear => Alpha(t) * -0.5 * (LeastRate + (t * (MostRate - LeastRate))),
        ScheduleKind.Cosine => -Math.PI / 2 * Math.Sin(Math.PI / 2 * t),
        _ => -1,
    };

    /// <summary>dσ/dt; from α² + σ² = 1 where that holds. Infinite at t = 0 for the linear schedule.</summary>
    public double SigmaRate(double t) => kind switch
    {
        ScheduleKind.Linear => -Alpha(t) * AlphaRate(t) / Sigma(t),
        ScheduleKind.Cosine => Math.PI / 2 * Math.Cos(Math.PI / 2 * t),
        _ => 1,
    };

    /// <summary>α of the times of a batch, [batch] → [batch, 1, 1, 1].</summary>
    public Tensor Alphas(Tensor times) => Column(times, Alpha);

    /// <summary>σ of the times of a batch, [batch] → [batch, 1, 1, 1].</summary>
    public Tensor Sigmas(Tensor times) => Column(times, Sigma);

    /// <summary>log(α / σ), half of the log of the signal-to-noise ratio; infinite at t = 0.</summary>
    public double LogRatio(double t) => Math.Log(Alpha(t) / Sigma(t));

    /// <summary>The inverse of <see cref="LogRatio"/>: the time at which it has a value, from 0 to 1.</summary>
    public double TimeOf(double logRatio)
    {
        switch (kind)
        {
            case ScheduleKind.Linear:
                // −log α = log(1 + e^−2ρ) / 2 = (b₁ − b₀) t² / 4 + b₀ t / 2, solved for t
                double minusLog = 0.5 * Math.Log(1 + Math.Exp(-2 * logRatio)), half = LeastRate / 2;
                return 2 * minusLog / (half + Math.Sqrt((half * half) + ((MostRate - LeastRate) * minusLog)));
            case ScheduleKind.Cosine:
                return 2 / Math.PI * Math.Atan(Math.Exp(-logRatio));
            default:
                return 1 / (1 + Math.Exp(logRatio));
        }
    }

    /// <summary>
    /// Moves a time towards noise by a shift s above 1: t / (t + (1 − t) / s) (Esser et al. 2024, eq. 23). In the flow
    /// schedule, σ / α becomes s times as large.
    /// </summary>
    /// <param name="t">A time from 0 to 1; 0 and 1 stay where they are.</param>
    public double Shifted(double t) => t / (t + ((1 - t) / shift));

    /// <summary>
    /// Times from <see cref="Start"/> down to 0, evenly spaced before the shift: one more than there are steps.
    /// </summary>
    /// <param name="steps">Number of steps, from 1.</param>
    /// <param name="share">The share of the whole path, if sampling begins later.</param>
    public double[] Times(int steps, double share = 1) =>
        [.. Enumerable.Range(0, steps + 1).Select(i => Start * Shifted(share * (steps - i) / steps))];

    /// <summary>Draws the times of a batch in training.</summary>
    /// <param name="count">Number of times.</param>
    /// <param name="distribution">Their distribution before the shift.</param>
    /// <param name="device">The device of the result.</param>
    /// <param name="random">Draws the times; null for the generator of the training step.</param>
    /// <returns>[count], fp32.</returns>
    internal Tensor TrainingTimes(long count, TimeDistribution distribution, Device device, Generator? random)
    {
        Tensor times = empty([count], device: device);
        times = distribution == TimeDistribution.LogitNormal
            ? times.FillNormal(random).sigmoid()
            : times.FillUniform(0, 1, random);
        return shift == 1 ? times : times.div(times.Times(1 - (1 / shift)).PlusNumber(1 / shift));
    }

    private static Tensor Column(Tensor times, Func<double, double> function)
    {
        float[] values = [.. times.cpu().data<float>().Select(t => (float)function(t))];
        return tensor(values, values.Length, 1, 1, 1).to(times.device);
    }
}
