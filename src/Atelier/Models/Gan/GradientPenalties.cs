using Atelier.Kernels;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Gan;

/// <summary>
/// Penalties on a discriminator's gradient with respect to pictures; their own gradient is of second order.
/// </summary>
internal static class GradientPenalties
{
    private const double Tiny = 1e-12; // the root has no slope at zero

    /// <summary>
    /// E[(|∇D(x̂)| − 1)²] at random points x̂ between real and made pictures (Gulrajani et al. 2017, eq. 3).
    /// </summary>
    /// <param name="judge">Logits [batch] of pictures.</param>
    /// <param name="real">[batch, channels, height, width].</param>
    /// <param name="made">As many.</param>
    /// <param name="random">Draws the points; null takes the tensor library's own numbers.</param>
    public static Tensor Between(Func<Tensor, Tensor> judge, Tensor real, Tensor made, Generator? random)
    {
        Tensor share = empty([real.shape[0], 1, 1, 1], real.dtype, real.device).uniform_(0, 1, random);
        Tensor between = lerp(made.detach(), real, share);
        Tensor length = SquaredGradient(judge, between).PlusNumber(Tiny).sqrt();
        return length.PlusNumber(-1).Squared().mean();
    }

    /// <summary>E[|∇D(x)|²] at real pictures (Mescheder et al. 2018, eq. 9, without γ / 2).</summary>
    public static Tensor AtReal(Func<Tensor, Tensor> judge, Tensor real) => SquaredGradient(judge, real).mean();

    /// <summary>|∇D|² of each picture, [batch].</summary>
    private static Tensor SquaredGradient(Func<Tensor, Tensor> judge, Tensor pictures)
    {
        Tensor at = pictures.detach().requires_grad_(true);
        using IDisposable context = (StepContext.Current with { SecondOrder = true }).Use();
        Tensor logits = judge(at);
        // A picture's logit depends on that picture alone, so the sum's gradient holds each one's.
        Tensor gradient = autograd.grad([logits.sum()], [at], retain_graph: true, create_graph: true)[0];
        return gradient.Squared().flatten(1).sum(1);
    }
}
