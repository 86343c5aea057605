using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Gan;

/// <summary>
/// Penalties on the gradient of a discriminator with respect to images; their own gradients are of second order.
/// </summary>
internal static class GradientPenalties
{
    private const double Tiny = 1e-12; // the root has no slope at zero

    /// <summary>
    /// E[(|∇D(x̂)| − 1)²] at random points x̂ between real and generated images (Gulrajani et al. 2017, eq. 3).
    /// </summary>
    /// <param name="discriminator">D: from images to logits, [batch].</param>
    /// <param name="real">[batch, channels, height, width].</param>
    /// <param name="fake">As many generated images.</param>
    /// <param name="random">Draws the points; null for the generator of the training step.</param>
    public static Tensor Between(Func<Tensor, Tensor> discriminator, Tensor real, Tensor fake, Generator? random = null)
    {
        Tensor share = empty([real.shape[0], 1, 1, 1], real.dtype, real.device).FillUniform(0, 1, random);
        Tensor between = lerp(fake.detach(), real, share);
        Tensor length = SquaredGradient(discriminator, between).PlusNumber(Tiny).sqrt();
        return length.PlusNumber(-1).Squared().mean();
    }

    /// <summary>E[|∇D(x)|²] at real images (Mescheder et al. 2018, eq. 9, without γ / 2).</summary>
    public static Tensor AtReal(Func<Tensor, Tensor> discriminator, Tensor real) =>
        SquaredGradient(discriminator, real).mean();

    /// <summary>|∇D|² of each image, [batch].</summary>
    private static Tensor SquaredGradient(Func<Tensor, Tensor> discriminator, Tensor images) =>
        // the logit of an image depends on that image alone, so the gradient of the sum consists of those of all logits
        DifferentiableGradient.Of(x => discriminator(x).sum(), images).Squared().flatten(1).sum(1);
}
