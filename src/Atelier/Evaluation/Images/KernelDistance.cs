using Atelier.Recipes;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// The kernel distance (Bińkowski et al. 2018): the unbiased estimate of the squared maximum mean discrepancy (Gretton
/// et al. 2012, eq. 3) under the kernel (x·y / width + 1)³, averaged over disjoint blocks of images, to which the
/// images are assigned in turn. It is around 0, and may be a little below, where both sets come from one distribution,
/// however few they are.
/// </summary>
internal static class KernelDistance
{
    private const int MostBlocks = 40;

    /// <summary>Returns the distance with a 95 % bootstrap interval over the blocks.</summary>
    /// <param name="first">[images, width], fp64; at least two.</param>
    /// <param name="second">[images, width], fp64; at least two.</param>
    /// <param name="options">The number of resamples.</param>
    /// <param name="seed">The seed of resampling.</param>
    public static Metric Of(Tensor first, Tensor second, EvaluationSection options, long seed) =>
        MeanScore.Mean([.. Blocks(first, second).Select(block => new MeanScore(block, 1))], options, seed,
            "squared mean discrepancy");

    /// <summary>Returns the estimate of each block.</summary>
    internal static double[] Blocks(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        long fewer = Math.Min(first.shape[0], second.shape[0]), blocks = Math.Clamp(fewer / 2, 1, MostBlocks),
            size = fewer / blocks, width = first.shape[1];
        // [blocks, size, width]
        Tensor Deal(Tensor features) => features.narrow(0, 0, blocks * size).view(size, blocks, width).transpose(0, 1);
        Tensor x = Deal(first), y = Deal(second);
        // [blocks]
        Tensor estimate = Within(x, size).Plus(Within(y, size)).sub(Kernel(x, y, width).mean([1, 2]).Times(2));
        return estimate.data<double>().ToArray();
    }

    /// <summary>Returns the mean of the kernel over pairs of different images of a block, [blocks].</summary>
    private static Tensor Within(Tensor x, long size)
    {
        Tensor kernel = Kernel(x, x, x.shape[2]);
        return kernel.sum([1, 2]).sub(kernel.diagonal(0, 1, 2).sum([1])).Times(1.0 / (size * (size - 1)));
    }

    private static Tensor Kernel(Tensor x, Tensor y, long width)
    {
        Tensor root = x.matmul(y.transpose(1, 2)).Times(1.0 / width).PlusNumber(1); // [blocks, size, size]
        return root.Squared().mul(root);
    }
}
