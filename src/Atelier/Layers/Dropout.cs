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

    /// <summary>
    /// Replaces some labels by that of any class, as classifier-free guidance needs (Ho and Salimans 2022).
    /// </summary>
    /// <param name="labels">[batch], int64.</param>
    /// <param name="share">The probability that a label is replaced.</param>
    /// <param name="any">The label of any class.</param>
    /// <param name="random">Chooses the labels; null for the generator of the training step.</param>
    public static Tensor OfLabels(Tensor labels, double share, long any, Generator? random = null) => share == 0
        ? labels
        : labels.FilledWhere(empty([labels.shape[0]], device: labels.device).FillUniform(0, 1, random).Below(share),
            any);
}
