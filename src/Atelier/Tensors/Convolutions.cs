using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tensors;

/// <summary>
/// Convolutions and transposed convolutions of images. They use the tensor library, or another path if its results are
/// wrong on this machine. All paths are differentiable.
/// </summary>
internal static class Convolutions
{
    /// <summary>Applies a two-dimensional convolution to images.</summary>
    /// <param name="x">[batch, inputs, height, width]: the images.</param>
    /// <param name="weight">[outputs, inputs / groups, rows, columns]: the kernels, of the same type as the
    /// images.</param>
    /// <param name="bias">[outputs]: the biases.</param>
    /// <param name="stride">The stride of the window, in pixels.</param>
    /// <param name="padding">The number of zeros added at each side of the images, in pixels.</param>
    /// <param name="groups">The number of groups of channels that are convolved separately.</param>
    /// <param name="secondOrder">Whether second derivatives must be correct, which may need a slower path.</param>
    /// <returns>[batch, outputs, (height + 2 · padding − rows) / stride + 1, …], contiguous.</returns>
    public static Tensor Convolve(Tensor x, Tensor weight, Tensor bias, long stride = 1, long padding = 0,
        long groups = 1, bool secondOrder = false) =>
        Convolve(x, weight, bias, stride, padding, groups, PathOf(x, secondOrder));

    /// <summary>Applies a two-dimensional transposed convolution, which spreads each pixel over a window.</summary>
    /// <param name="x">[batch, inputs, height, width]: the images.</param>
    /// <param name="weight">[inputs, outputs, rows, columns]: the kernels, of the same type as the images.</param>
    /// <param name="bias">[outputs]: the biases.</param>
    /// <param name="stride">The stride of the window, in pixels.</param>
    /// <param name="padding">The number of pixels cropped at each side of the result.</param>
    /// <param name="secondOrder">Whether second derivatives must be correct, which may need a slower path.</param>
    /// <returns>[batch, outputs, (height − 1) · stride − 2 · padding + rows, …], contiguous.</returns>
    public static Tensor Transpose(
        Tensor x, Tensor weight, Tensor bias, long stride, long padding, bool secondOrder = false) =>
        Transpose(x, weight, bias, stride, padding, PathOf(x, secondOrder));

    /// <summary>Applies a convolution by a given path.</summary>
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

    /// <summary>Applies a transposed convolution by a given path.</summary>
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
