using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>What a network predicts from a noisy image x = α x₀ + σ ε.</summary>
public enum PredictionKind
{
    /// <summary>ε (Ho et al. 2020).</summary>
    Noise,

    /// <summary>x₀.</summary>
    Picture,

    /// <summary>
    /// v = α ε − σ x₀ (Salimans and Ho 2022, appendix D); with the flow schedule the flow's velocity, ε − x₀.
    /// </summary>
    Velocity,
}

/// <summary>The image and the noise of which a noisy image consists.</summary>
/// <param name="Image">x₀.</param>
/// <param name="Noise">ε.</param>
public readonly record struct DenoiserOutput(Tensor Image, Tensor Noise);

/// <summary>Converts between image and noise and a network's prediction.</summary>
/// <param name="kind">What the network predicts.</param>
/// <param name="schedule">α and σ.</param>
public sealed class Prediction(PredictionKind kind, NoiseSchedule schedule)
{
    /// <summary>The network's target.</summary>
    /// <param name="parts">x₀ and ε, [batch, channels, height, width].</param>
    /// <param name="alpha">α of each image, [batch, 1, 1, 1].</param>
    /// <param name="sigma">σ of each image.</param>
    public Tensor Target(DenoiserOutput parts, Tensor alpha, Tensor sigma) => kind switch
    {
        PredictionKind.Noise => parts.Noise,
        PredictionKind.Picture => parts.Image,
        _ when schedule.Kind == ScheduleKind.Flow => parts.Noise.sub(parts.Image),
        _ => alpha.mul(parts.Noise).sub(sigma.mul(parts.Image)),
    };

    /// <summary>The image and the noise that a network's prediction implies.</summary>
    /// <param name="x">x_t.</param>
    /// <param name="answer">The network's prediction.</param>
    /// <param name="t">The time.</param>
    public DenoiserOutput Output(Tensor x, Tensor answer, double t)
    {
        double alpha = schedule.Alpha(t), sigma = schedule.Sigma(t);
        switch (kind)
        {
            case PredictionKind.Noise:
                return new(x.Plus(answer.Times(-sigma)).Times(1 / alpha), answer);
            case PredictionKind.Picture:
                return new(answer, x.Plus(answer.Times(-alpha)).Times(1 / sigma));
            default:
                // the solutions of x = α x₀ + σ ε and the definition of the velocity
                return schedule.Kind == ScheduleKind.Flow
                    ? new(x.Plus(answer.Times(-t)), x.Plus(answer.Times(1 - t)))
                    : new(x.Times(alpha).Plus(answer.Times(-sigma)), x.Times(sigma).Plus(answer.Times(alpha)));
        }
    }
}
