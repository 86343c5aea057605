using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tensors;

/// <summary>
/// The one place where pictures are convolved: by the tensor library, with channels padded by zeros to multiples of sixteen where
/// its answers are wrong otherwise. Gradients of any order go through either path. A gradient of second order is a convolution
/// over the pictures of a batch, which therefore must be a multiple of sixteen too: see <see cref="PadBatch(Tensor)"/>.
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
    /// <returns>[batch, outputs, (height + 2 · padding − rows) / stride + 1, …], in one piece.</returns>
    public static Tensor Convolve(Tensor x, Tensor weight, Tensor bias, long stride = 1, long padding = 0, long groups = 1) =>
        Convolve(x, weight, bias, stride, padding, groups, PathOf(x));

    /// <summary>The transpose of a convolution in its pictures, which spreads each place over a window.</summary>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <param name="weight">[inputs, outputs, rows, columns], of the same type.</param>
    /// <param name="bias">[outputs].</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Pixels that are cut off at each side.</param>
    /// <returns>[batch, outputs, (height − 1) · stride − 2 · padding + rows, …], in one piece.</returns>
    public static Tensor Transpose(Tensor x, Tensor weight, Tensor bias, long stride, long padding) =>
        Transpose(x, weight, bias, stride, padding, PathOf(x));

    /// <summary>The convolution by a given path.</summary>
    public static Tensor Convolve(Tensor x, Tensor weight, Tensor bias, long stride, long padding, long groups, OperatorPath path)
    {
        if (path != OperatorPath.PaddedChannels)
            return F.conv2d(x, weight, bias, strides: [stride, stride], padding: [padding, padding], groups: groups);
        long outputs = weight.shape[0];
        Tensor windows = PadGroups(Blocks.Pad(weight, 1), 0, groups);
        Tensor y = F.conv2d(PadGroups(x, 1, groups), windows, PadGroups(bias, 0, groups),
            strides: [stride, stride], padding: [padding, padding], groups: groups);
        if (outputs == windows.shape[0])
            return y;
        return groups == 1
            ? y.narrow(1, 0, outputs).contiguous()
            : y.unflatten(1, [groups, -1]).narrow(2, 0, outputs / groups).flatten(1, 2);
    }

    /// <summary>The transposed convolution by a given path.</summary>
    public static Tensor Transpose(Tensor x, Tensor weight, Tensor bias, long stride, long padding, OperatorPath path)
    {
        if (path != OperatorPath.PaddedChannels)
            return F.conv_transpose2d(x, weight, bias, strides: [stride, stride], padding: [padding, padding]);
        Tensor windows = Blocks.Pad(Blocks.Pad(weight, 0), 1);
        Tensor y = F.conv_transpose2d(Blocks.Pad(x, 1), windows, Blocks.Pad(bias, 0), strides: [stride, stride], padding: [padding, padding]);
        return y.shape[1] == weight.shape[1] ? y : y.narrow(1, 0, weight.shape[1]).contiguous();
    }

    /// <summary>
    /// Pictures with black ones behind them, so that the gradient of a gradient is right whichever path convolves them; to be called
    /// where a network sees each picture by itself, whose answers about the last ones then are left out.
    /// </summary>
    /// <param name="pictures">[batch, channels, height, width].</param>
    public static Tensor PadBatch(Tensor pictures)
    {
        bool isRounded = pictures.device_type == DeviceType.CPU && pictures.dtype == ScalarType.Float32; // perhaps, within the network
        OperatorPath rounded = isRounded ? CheckedOperators.Convolution(ScalarType.BFloat16) : OperatorPath.Library;
        return PadBatch(pictures, rounded == OperatorPath.PaddedChannels ? rounded : PathOf(pictures));
    }

    /// <summary>The same for a given path.</summary>
    public static Tensor PadBatch(Tensor pictures, OperatorPath path) =>
        path == OperatorPath.PaddedChannels ? Blocks.Pad(pictures, 0) : pictures;

    private static OperatorPath PathOf(Tensor x) => x.device_type == DeviceType.CPU ? CheckedOperators.Convolution(x.dtype) : OperatorPath.Library;

    /// <summary>Pads the channels of each group.</summary>
    private static Tensor PadGroups(Tensor x, int dimension, long groups) => groups == 1
        ? Blocks.Pad(x, dimension)
        : Blocks.Pad(x.unflatten(dimension, [groups, -1]), dimension + 1).flatten(dimension, dimension + 1);
}
