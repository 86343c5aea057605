using Atelier.Kernels;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>Sets random numbers to zero and scales the others to keep the mean (Srivastava et al. 2014).</summary>
internal static class Dropout
{
    /// <summary>
    /// x with each number set to zero with probability <paramref name="share"/>, by the random numbers of the training
    /// step; x itself if the share is 0.
    /// </summary>
    public static Tensor Apply(Tensor x, double share)
    {
        if (share == 0)
            return x;
        if (x.device_type != DeviceType.CPU || StepContext.Current.Random is not { } random)
            return F.dropout(x, share, training: true);
        using var kept = NewDisposeScope();
        Tensor mask = empty_like(x, requires_grad: false).bernoulli_(1 - share, random.Generator)
            .Times(1 / (1 - share));
        return (x * mask).MoveToOuterDisposeScope();
    }
}
