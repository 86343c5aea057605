using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tensors;

/// <summary>
/// The one place where pictures are convolved: by the tensor library, or by another path where its answers are
/// wrong on this machine. Gradients go through each path.
/// </summary>
internal static class Convolutions
{
    /// <summary>Convolves pictures.</summary>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <param name="weight">[outputs, inputs / groups, rows, columns], of the same type.</param>
    /// <param name="bias">[outputs].</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Zeros around the pictures.</param>
    /// <param name="groups">Channels are convolved in so many groups that do not see one another.</param>
    /// <param name="secondOrder">Whether gradients of its gradients must be right, which may need a slower
    /// path.</param>
    /// <returns>[batch, outputs, (height + 2 · padding − rows) / stride + 1, …], in one piece.</returns>
    public static Tensor Convolve(Tensor x, Tensor weight, Tensor bias, long stride = 1, long padding = 0,
        long groups = 1, bool secondOrder = false) =>
        Convolve(x, weight, bias, stride, padding, groups, PathOf(x, secondOrder));

    /// <summary>The transpose of a convolution in its pictures, which spreads each place over a window.</summary>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <param name="weight">[inputs, outputs, rows, columns], of the same type.</param>
    /// <param name="bias">[outputs].</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Pixels that are cut off at each side.</param>
    /// <param name="secondOrder">Whether gradients of its gradients must be right, which may need a slower
    /// path.</param>
    /// <returns>[batch, outputs, (height − 1) · stride − 2 · padding + rows, …], in one piece.</returns>
    public static Tensor Transpose(
        Tensor x, Tensor weight, Tensor bias, long stride, long padding, bool secondOrder = false) =>
        Transpose(x, weight, bias, stride, padding, PathOf(x, secondOrder));

    /// <summary>The convolution by a given path.</summary>
    public static Tensor Convolve(
        Tensor x, Tensor weight, Tensor bias, long stride, long padding, long groups, OperatorPath path) => path switch
    {
        OperatorPath.PaddedChannels when groups == 1 => ConvolvePadded(x, weight, bias, stride, padding),
        OperatorPath.PaddedChannels => cat(
            [
                .. x.chunk(groups, 1).Zip(weight.chunk(groups, 0), bias.chunk(groups, 0))
                    .Select(group => ConvolvePadded(group.First, group.Second, group.Third, stride, padding)),
            ], 1),
        OperatorPath.Unfolded => ConvolveUnfolded(x, weight, bias, stride, padding, groups),
        _ => F.conv2d(x, weight, bias, strides: [stride, stride], padding: [padding, padding], groups: groups),
    };

    /// <summary>The transposed convolution by a given path.</summary>
    public static Tensor Transpose(
        Tensor x, Tensor weight, Tensor bias, long stride, long padding, OperatorPath path)
    {
        long outputs = weight.shape[1];
        if (path == OperatorPath.PaddedChannels)
        {
            x = Blocks.Pad(x, 1);
            (weight, bias) = (Blocks.Pad(Blocks.Pad(weight, 0), 1, stride), Blocks.Pad(bias, 0, stride));
        }
        Tensor y = F.conv_transpose2d(x, weight, bias, strides: [stride, stride], padding: [padding, padding]);
        return y.shape[1] == outputs ? y : y.narrow(1, 0, outputs).contiguous();
    }

    private static OperatorPath PathOf(Tensor x, bool secondOrder) =>
        x.device_type != DeviceType.CPU ? OperatorPath.Library
        : secondOrder ? CheckedOperators.ConvolutionOfSecondOrder(x.dtype)
        : CheckedOperators.Convolution(x.dtype);

    private static Tensor ConvolvePadded(Tensor x, Tensor weight, Tensor bias, long stride, long padding)
    {
        long outputs = weight.shape[0];
        Tensor windows = Blocks.Pad(Blocks.Pad(weight, 1, stride), 0);
        Tensor y = F.conv2d(Blocks.Pad(x, 1, stride), windows, Blocks.Pad(bias, 0),
            strides: [stride, stride], padding: [padding, padding]);
        return y.shape[1] == outputs ? y : y.narrow(1, 0, outputs).contiguous();
    }

    private static Tensor ConvolveUnfolded(
        Tensor x, Tensor weight, Tensor bias, long stride, long padding, long groups)
    {
        (long rows, long columns) = (weight.shape[2], weight.shape[3]);
        long height = ((x.shape[2] + (2 * padding) - rows) / stride) + 1;
        Tensor windows = F.unfold(x, (rows, columns), padding: (padding, padding), stride: (stride, stride))
            .unflatten(1, [groups, -1]); // [batch, groups, inputs / groups · rows · columns, places]
        // [batch, groups, outputs / groups, places]
        Tensor y = weight.reshape(groups, weight.shape[0] / groups, -1).matmul(windows);
        return y.flatten(1, 2).Plus(bias.unsqueeze(1)).unflatten(2, [height, -1]);
    }
}
