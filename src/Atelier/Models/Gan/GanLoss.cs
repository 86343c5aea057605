using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Gan;

/// <summary>What the two players minimise.</summary>
public enum GanLoss
{
    /// <summary>The game of Goodfellow et al. 2014, eq. 1: the generator minimises log(1 − D).</summary>
    Minimax,

    /// <summary>
    /// The generator minimises −log D instead, which does not fade where the discriminator is sure (Goodfellow et al.
    /// 2014, section 3).
    /// </summary>
    NonSaturating,

    /// <summary>Squared distances to 1 for real and 0 for made pictures (Mao et al. 2017, eq. 9).</summary>
    LeastSquares,

    /// <summary>
    /// The difference of a critic's means (Arjovsky et al. 2017), whose slope a penalty or a norm bounds.
    /// </summary>
    Wasserstein,

    /// <summary>Margins of 1 to each side (Lim and Ye 2017; Miyato et al. 2018, eq. 16 and 17).</summary>
    Hinge,
}

/// <summary>
/// The losses over logits, σ(logit) being the probability that a picture is real; means over the batch.
/// </summary>
internal static class GanLosses
{
    /// <summary>What the discriminator minimises.</summary>
    /// <param name="loss">The game.</param>
    /// <param name="real">Logits of real pictures, [batch].</param>
    /// <param name="made">Logits of made pictures, [batch].</param>
    public static Tensor Discriminator(this GanLoss loss, Tensor real, Tensor made) => loss switch
    {
        GanLoss.LeastSquares => real.PlusNumber(-1).Squared().mean().Plus(made.Squared().mean()).Times(0.5),
        GanLoss.Wasserstein => made.mean().Plus(real.mean().neg()),
        GanLoss.Hinge => F.relu(real.neg().PlusNumber(1)).mean().Plus(F.relu(made.PlusNumber(1)).mean()),
        _ => MinusLog(real).mean().Plus(MinusLog(made.neg()).mean()),
    };

    /// <summary>What the generator minimises.</summary>
    public static Tensor Generator(this GanLoss loss, Tensor made) => loss switch
    {
        GanLoss.Minimax => MinusLog(made.neg()).mean().neg(),
        GanLoss.NonSaturating => MinusLog(made).mean(),
        GanLoss.LeastSquares => made.PlusNumber(-1).Squared().mean().Times(0.5),
        _ => made.mean().neg(),
    };

    /// <summary>
    /// The shares of real and of generated images that the discriminator classifies correctly. A critic has no zero
    /// point, so the mean of its two means is the boundary.
    /// </summary>
    public static (Tensor Real, Tensor Made) Right(this GanLoss loss, Tensor real, Tensor made)
    {
        Tensor border = loss switch
        {
            GanLoss.LeastSquares => zeros_like(real).PlusNumber(0.5),
            GanLoss.Wasserstein => real.mean().Plus(made.mean()).Times(0.5),
            _ => zeros_like(real),
        };
        return (real.gt(border).to(ScalarType.Float32).mean(), made.le(border).to(ScalarType.Float32).mean());
    }

    /// <summary>−log σ(x), of each; −log(1 − σ(x)) is that of −x.</summary>
    private static Tensor MinusLog(Tensor x) => F.logsigmoid(x).neg();
}
