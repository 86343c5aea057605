using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Diffusion;

/// <summary>
/// The loss of a denoising network: the mean squared error of its prediction at random times (Ho et al. 2020, eq. 14;
/// Lipman et al. 2023, eq. 9).
/// </summary>
/// <param name="config">The distribution of times and the class dropout.</param>
/// <param name="classes">The number of classes, which is also the label of no class.</param>
/// <param name="schedule">α and σ.</param>
/// <param name="prediction">The network's target.</param>
/// <param name="upscaling">Makes the condition of an upscaling network; null for other networks.</param>
internal sealed class DenoisingObjective(DiffusionConfig config, int classes, NoiseSchedule schedule,
    Prediction prediction, Upscaling? upscaling)
{
    /// <summary>The loss, a scalar in fp32.</summary>
    /// <param name="network">The network; in training some images lose their class.</param>
    /// <param name="images">x₀, [batch, channels, height, width].</param>
    /// <param name="labels">Their classes, [batch], int64; unused by a network without classes.</param>
    /// <param name="random">Draws times and noise; null for the generator of the training step.</param>
    public Tensor Loss(DenoisingNetwork network, Tensor images, Tensor labels, Generator? random = null)
    {
        long count = images.shape[0];
        Device device = images.device;
        Tensor times = schedule.TrainingTimes(count, config.Times, device, random);
        Tensor noise = empty_like(images).FillNormal(random);
        Tensor alpha = schedule.Alphas(times), sigma = schedule.Sigmas(times); // [batch, 1, 1, 1]
        Tensor input = alpha.mul(images).PlusProduct(sigma, noise); // x_t = α x₀ + σ ε
        Tensor? condition = null;
        if (config.Conditional)
        {
            Tensor dropped = empty([count], device: device).FillUniform(0, 1, random).Below(config.ClassDropout);
            condition = network.training ? labels.FilledWhere(dropped, classes) : labels;
        }
        if (upscaling is not null)
        {
            Tensor conditionTimes = upscaling.Times(count, device, random);
            input = cat([input, upscaling.Condition(upscaling.Shrink(images), conditionTimes, random)], 1);
        }
        return F.mse_loss(network.Predict(input, times, condition),
            prediction.Target(new DenoiserOutput(images, noise), alpha, sigma));
    }
}
