using Atelier.Models.Diffusion;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>Pictures of independent values from N(m, s²), of which everything is known in closed form.</summary>
internal sealed record KnownGaussian(double Mean, double Deviation)
{
    private const double Step = 2.0 / 255; // of values of 8 bits from −1 to 1

    /// <summary>E[x₀ | x] = (α s² x + σ² m) / (α² s² + σ²), and the noise that goes with it.</summary>
    public DenoiserOutput Best(NoiseSchedule schedule, Tensor x, double t)
    {
        double alpha = schedule.Alpha(t), sigma = schedule.Sigma(t),
            total = (alpha * alpha * Deviation * Deviation) + (sigma * sigma);
        Tensor picture = x.Times(alpha * Deviation * Deviation / total).PlusNumber(sigma * sigma * Mean / total);
        return new DenoiserOutput(picture, x.sub(picture.Times(alpha)).DividedBy(sigma));
    }

    /// <summary>Pictures with values of 8 bits.</summary>
    public Tensor Sample(long[] shape, Generator random) =>
        empty(shape).normal_(Mean, Deviation, random).PlusNumber(1).DividedBy(Step).round().clamp(0, 255)
            .Times(Step).PlusNumber(-1);

    /// <summary>
    /// −log P of a value, the mean over those of pictures: a step is small beside the deviation, so that P is the
    /// density times a step.
    /// </summary>
    public double NegativeLogLikelihood(Tensor pictures) =>
        pictures.PlusNumber(-Mean).DividedBy(Deviation).square().Times(0.5).mean().item<float>()
            + Math.Log(Deviation * Math.Sqrt(2 * Math.PI) / Step);
}
