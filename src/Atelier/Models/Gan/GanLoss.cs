using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Gan;

/// <summary>The adversarial losses.</summary>
public enum GanLoss
{
    /// <summary>The generator minimises log(1 − D) (Goodfellow et al. 2014, eq. 1).</summary>
    Minimax,

    /// <summary>
    /// The generator minimises −log D, whose gradient does not vanish where the discriminator is certain (Goodfellow et
    /// al. 2014, section 3).
    /// </summary>
    NonSaturating,

    /// <summary>Squared distances to 1 for real and to 0 for generated images (Mao et al. 2017, eq. 9).</summary>
    LeastSquares,

    /// <summary>
    /// The difference between a critic's means (Arjovsky et al. 2017); a penalty or a norm bounds the critic's slope.
    /// </summary>
    Wasserstein,

    /// <summary>The hinge loss, with margins of 1 (Lim and Ye 2017; Miyato et al. 2018, eq. 16 and 17).</summary>
    Hinge,
}

/// <summary>
/// Adversarial losses of logits, where σ(logit) is the probability that an image is real; means over the batch.
/// </summary>
internal static class GanLosses
{
    /// <summary>The discriminator's loss.</summary>
    /// <param name="loss">The adversarial loss.</param>
    /// <param name="real">Logits of real images, [batch].</param>
    /// <param name="fake">Logits of generated images, [batch].</param>
    public static Tensor Discriminator(this GanLoss loss, Tensor real, Tensor fake) => loss switch
    {
        GanLoss.LeastSquares => real.PlusNumber(-1).Squared().mean().Plus(fake.Squared().mean()).Times(0.5),
        GanLoss.Wasserstein => fake.mean().Plus(real.mean().neg()),
        GanLoss.Hinge => F.relu(real.neg().PlusNumber(1)).mean().Plus(F.relu(fake.PlusNumber(1)).mean()),
        _ => MinusLog(real).mean().Plus(MinusLog(fake.neg()).mean()),
    };

    /// <summary>The generator's loss.</summary>
    public static Tensor Generator(this GanLoss loss, Tensor fake) => loss switch
    {
        GanLoss.Minimax => MinusLog(fake.neg()).mean().neg(),
        GanLoss.NonSaturating => MinusLog(fake).mean(),
        GanLoss.LeastSquares => fake.PlusNumber(-1).Squared().mean().Times(0.5),
        _ => fake.mean().neg(),
    };

    /// <summary>
    /// The shares of real and of generated images that the discriminator classifies correctly. A critic has no zero
    /// point, so the mean of its two means is the boundary.
    /// </summary>
    public static (Tensor Real, Tensor Fake) Accuracy(this GanLoss loss, Tensor real, Tensor fake)
    {
        Tensor boundary = loss switch
        {
            GanLoss.LeastSquares => zeros_like(real).PlusNumber(0.5),
            GanLoss.Wasserstein => real.mean().Plus(fake.mean()).Times(0.5),
            _ => zeros_like(real),
        };
        return (real.gt(boundary).to(ScalarType.Float32).mean(), fake.le(boundary).to(ScalarType.Float32).mean());
    }

    /// <summary>−log σ(x) of each logit; −log(1 − σ(x)) is that of −x.</summary>
    private static Tensor MinusLog(Tensor x) => F.logsigmoid(x).neg();
}
