using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Vae;

/// <summary>
/// The likelihood of images. The decoder's output gives, for each value, the mean of a normal distribution or the logit
/// of white.
/// </summary>
internal sealed class Likelihood : nn.Module
{
    private readonly VaeConfig _config;
    private readonly Parameter? _logVariance; // of all values, a scalar

    public Likelihood(VaeConfig config)
        : base(nameof(Likelihood))
    {
        _config = config;
        if (config is { Likelihood: LikelihoodKind.Gaussian, Variance: null })
        {
            _logVariance = new Parameter(zeros(1));
            register_parameter("log_variance", _logVariance);
        }
    }

    private bool IsBernoulli => _config.Likelihood == LikelihoodKind.Bernoulli;

    /// <summary>The images whose likelihood is computed: binarised for a Bernoulli likelihood.</summary>
    /// <param name="images">[batch, channels, height, width], −1 to 1.</param>
    /// <param name="random">Binarises dynamically; null for the generator of the training step.</param>
    /// <returns>As the images; black is −1 and white is 1.</returns>
    public Tensor Target(Tensor images, Generator? random = null)
    {
        if (!IsBernoulli)
            return images;
        Tensor white = _config.Binarisation == BinarisationKind.Static
            ? images.AtLeast(0)
            : empty_like(images).FillUniform(-1, 1, random).lt(images);
        return white.to(ScalarType.Float32).Times(2).PlusNumber(-1);
    }

    /// <summary>−log p(x | z) of each image in nats, [batch].</summary>
    /// <param name="target">x, a result of <see cref="Target"/>, [batch, channels, height, width].</param>
    /// <param name="output">The decoder's output, in the shape of x, fp32.</param>
    public Tensor NegativeLogLikelihood(Tensor target, Tensor output)
    {
        if (IsBernoulli)
            return F.binary_cross_entropy_with_logits(output, target.Times(0.5).PlusNumber(0.5),
                reduction: nn.Reduction.None).sum([1, 2, 3]);
        long values = target.numel() / target.shape[0];
        Tensor squares = target.sub(output.tanh()).Squared().sum([1, 2, 3]);
        Tensor logVariance = LogVariance(output.device);
        // ½ Σ ((x − μ)² / σ² + log σ² + log 2π)
        return squares.mul(logVariance.neg().exp()).Plus(logVariance.PlusNumber(Math.Log(2 * Math.PI)).Times(values))
            .Times(0.5);
    }

    /// <summary>The expected images, −1 to 1.</summary>
    public Tensor Mean(Tensor output) => IsBernoulli ? output.sigmoid().Times(2).PlusNumber(-1) : output.tanh();

    private Tensor LogVariance(Device device) =>
        _logVariance ?? KeptScalars.Full([1], Math.Log(_config.Variance!.Value), ScalarType.Float32, device);
}
