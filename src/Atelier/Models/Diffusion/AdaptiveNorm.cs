using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Diffusion;

/// <summary>
/// Layer normalisation whose scale and shift are computed from a condition instead of being parameters (adaLN; Peebles
/// and Xie 2023, section 3.2).
/// </summary>
internal static class AdaptiveNorm
{
    private const double Epsilon = 1e-6;

    /// <summary>
    /// x̂ (1 + scale) + shift, where x̂ is x with mean zero and variance one over the last dimension (Ba et al. 2016).
    /// </summary>
    /// <param name="x">[batch, positions, width].</param>
    /// <param name="shift">[batch, 1, width].</param>
    /// <param name="scale">[batch, 1, width].</param>
    /// <returns>The shape of x.</returns>
    public static Tensor Apply(Tensor x, Tensor shift, Tensor scale)
    {
        TimedOperation timed = TimedOperation.Begin("norm", ref x);
        Tensor normed = F.layer_norm(x, [x.shape[^1]], null, null, Epsilon);
        return timed.End(normed.PlusProduct(normed, scale).Plus(shift));
    }
}
