using Atelier.Models.Vae;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Vae;

/// <summary>
/// A dense VAE of one hidden layer and two latents, computed number by number from the weights of a model, with
/// integrals taken over a grid.
/// </summary>
internal sealed class PlainVae(VaeModel model, double variance)
{
    private const double Far = 7, Step = 0.1;
    private readonly Dictionary<string, Tensor> _weights = model.state_dict();

    /// <summary>E[log p(x | z)], KL(q ‖ p) and log p(x), each an integral over the plane of latents.</summary>
    public (double Reconstruction, double Divergence, double Evidence) Integrate(double[] x)
    {
        double[] head = Linear("latents._head", Silu(Linear("encoder._layers.0", x)));
        (double reconstruction, double divergence, double evidence) = (0, 0, 0);
        for (double z0 = -Far; z0 <= Far; z0 += Step)
        {
            for (double z1 = -Far; z1 <= Far; z1 += Step)
            {
                double q = Normal(z0, head[0], Math.Exp(head[2])) * Normal(z1, head[1], Math.Exp(head[3]));
                double p = Normal(z0, 0, 1) * Normal(z1, 0, 1), likelihood = LogLikelihood(x, [z0, z1]);
                reconstruction += Step * Step * q * likelihood;
                divergence += q == 0 ? 0 : Step * Step * q * Math.Log(q / p);
                evidence += Step * Step * p * Math.Exp(likelihood);
            }
        }
        return (reconstruction, divergence, Math.Log(evidence));
    }

    public static double Normal(double x, double mean, double variance) =>
        Math.Exp(-(x - mean) * (x - mean) / (2 * variance)) / Math.Sqrt(2 * Math.PI * variance);

    private double LogLikelihood(double[] x, double[] z)
    {
        double[] means = Linear("decoder._layers.0", Silu(Linear("latents._first", z)));
        return x.Zip(means, (value, mean) => Math.Log(Normal(value, Math.Tanh(mean), variance))).Sum();
    }

    private double[] Linear(string name, double[] x)
    {
        Tensor weight = _weights[name + ".weight"];
        float[] w = weight.data<float>().ToArray(), b = _weights[name + ".bias"].data<float>().ToArray();
        return [.. b.Select((bias, row) =>
            bias + x.Select((value, column) => value * w[(row * x.Length) + column]).Sum())];
    }

    private static double[] Silu(double[] x) => [.. x.Select(value => value / (1 + Math.Exp(-value)))];
}
