using Atelier.Kernels;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>Sets a share of numbers to zero and raises the others to keep the mean (Srivastava et al. 2014).</summary>
internal static class Dropout
{
    /// <summary>
    /// x with each number dropped by the chance <paramref name="share"/>; drawn from the replica's own random numbers
    /// where there are some.
    /// </summary>
    public static Tensor Apply(Tensor x, double share)
    {
        if (x.device_type != DeviceType.CPU || StepContext.Current.Random is not { } random)
            return F.dropout(x, share, training: true);
        using var kept = NewDisposeScope();
        Tensor mask = empty_like(x, requires_grad: false).bernoulli_(1 - share, random.Generator)
            .Times(1 / (1 - share));
        return (x * mask).MoveToOuterDisposeScope();
    }
}
