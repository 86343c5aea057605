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
        if (x.device_type != DeviceType.CPU)
            return F.dropout(x, share, training: true);
        using var kept = NewDisposeScope();
        Tensor mask = empty(x.shape);
        unsafe
        {
            new DropoutMask(share, DropoutMask.DrawSeed()).Fill(mask.Pointer<float>(), mask.numel());
        }
        return (x * mask.to(x.dtype)).MoveToOuterDisposeScope();
    }
}
