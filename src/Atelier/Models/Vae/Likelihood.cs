using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Vae;

/// <summary>
/// The likelihood of images given the decoder's output for each value: the mean of a normal distribution, or the logit
/// of white.
/// </summary>
internal sealed class Likelihood : nn.Module
{
    private readonly VaeConfig _config;
    private readonly Parameter? _logVariance; // of every value, a scalar

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

    /// <summary>The pictures that are modelled: themselves, or black (−1) and white (1).</summary>
    /// <param name="pictures">[batch, channels, height, width], −1 to 1.</param>
    /// <param name="random">Draws what is drawn; null for the tensor library's own.</param>
    public Tensor Target(Tensor pictures, Generator? random)
    {
        if (!IsBernoulli)
            return pictures;
        Tensor white = _config.Binarisation == BinarisationKind.Static
            ? pictures.AtLeast(0)
            : empty_like(pictures).uniform_(-1, 1, random).lt(pictures);
        return white.to(ScalarType.Float32).Times(2).PlusNumber(-1);
    }

    /// <summary>−log p(x | z) of each picture in nats, [batch].</summary>
    /// <param name="target">x, as <see cref="Target"/> gives it, [batch, channels, height, width].</param>
    /// <param name="output">The decoder's output, shaped as x, fp32.</param>
    public Tensor NegativeLogLikelihood(Tensor target, Tensor output)
    {
        if (IsBernoulli)
            return F.binary_cross_entropy_with_logits(output, target.Times(0.5).PlusNumber(0.5),
                reduction: nn.Reduction.None).sum([1, 2, 3]);
        long values = target.numel() / target.shape[0];
        Tensor squares = target.sub(output.tanh()).Squared().sum([1, 2, 3]);
        Tensor logVariance = LogVariance(output.device);
        // Half of Σ (x − μ)² / σ² + log σ² + log 2π.
        return squares.mul(logVariance.neg().exp()).Plus(logVariance.PlusNumber(Math.Log(2 * Math.PI)).Times(values))
            .Times(0.5);
    }

    /// <summary>The expected pictures, −1 to 1.</summary>
    public Tensor Mean(Tensor output) => IsBernoulli ? output.sigmoid().Times(2).PlusNumber(-1) : output.tanh();

    private Tensor LogVariance(Device device) =>
        _logVariance ?? KeptScalars.Full([1], Math.Log(_config.Variance!.Value), ScalarType.Float32, device);
}
