using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Diffusion;

/// <summary>
/// The loss of a network that predicts what noisy pictures are made of: the mean squared error at random times (Ho et
/// al. 2020, eq. 14; Lipman et al. 2023, eq. 9).
/// </summary>
/// <param name="config">The distribution of times, and the share of pictures without their class.</param>
/// <param name="classes">Classes of pictures; this number stands for none.</param>
/// <param name="schedule">α and σ.</param>
/// <param name="prediction">What the network predicts.</param>
/// <param name="upscaling">Makes the small pictures that a network is shown that enlarges; null for others.</param>
internal sealed class DenoisingObjective(DiffusionConfig config, int classes, NoiseSchedule schedule,
    Prediction prediction, Upscaling? upscaling)
{
    /// <summary>The loss, a scalar in fp32.</summary>
    /// <param name="network">The network; in training some pictures' classes are withheld from it.</param>
    /// <param name="pictures">x₀, [batch, channels, height, width].</param>
    /// <param name="labels">Their classes, [batch], int64; read by conditional models alone.</param>
    /// <param name="random">Draws times and noise; null takes the tensor library's own generator.</param>
    public Tensor Loss(DenoisingNetwork network, Tensor pictures, Tensor labels, Generator? random)
    {
        long count = pictures.shape[0];
        Tensor draws = empty([count], device: pictures.device);
        Tensor times = config.Times == TimeDistribution.LogitNormal ? draws.normal_(0, 1, random).sigmoid()
            : draws.uniform_(0, 1, random);
        Tensor noise = empty_like(pictures).normal_(0, 1, random);
        float[] at = times.cpu().data<float>().ToArray();
        Tensor alpha = schedule.Alphas(at, pictures.device), sigma = schedule.Sigmas(at, pictures.device);
        Tensor noisy = alpha.mul(pictures).PlusProduct(sigma, noise);
        Tensor? known = null;
        if (config.Conditional)
        {
            Tensor dropped = empty([count], device: pictures.device).uniform_(0, 1, random).Below(config.ClassDropout);
            known = network.training ? labels.FilledWhere(dropped, classes) : labels;
        }
        Tensor target = prediction.Target(new DenoiserOutput(pictures, noise), alpha, sigma);
        if (upscaling is not null)
            noisy = cat([noisy,
                upscaling.Show(upscaling.Shrink(pictures), upscaling.Times(count, pictures.device, random), random)],
                1);
        return F.mse_loss(network.Predict(noisy, times, known), target);
    }
}
