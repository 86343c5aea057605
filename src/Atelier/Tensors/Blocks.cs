using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tensors;

/// <summary>
/// Pads dimensions to whole blocks. On some machines oneDNN loses elements when it reorders dimensions of other sizes.
/// </summary>
internal static class Blocks
{
    private const int Size = 16; // the number of channels that oneDNN stores next to each other

    /// <summary>Appends zeros to a dimension, up to a whole number of blocks.</summary>
    /// <param name="x">The tensor.</param>
    /// <param name="dimension">The dimension, counted from 0.</param>
    /// <param name="stride">The stride of a convolution over these channels. With a stride above 1, odd numbers of
    /// blocks from three on gave wrong gradients, so one more block is added.</param>
    public static Tensor Pad(Tensor x, int dimension, long stride = 1)
    {
        long size = x.shape[dimension], blocks = (size + Size - 1) / Size;
        if (stride > 1 && blocks > 1)
            blocks += blocks % 2;
        if (blocks * Size == size)
            return x;
        var sides = new long[2 * (x.dim() - dimension)]; // (before, after) of each dimension, the last one first
        sides[^1] = (blocks * Size) - size;
        return F.pad(x, sides);
    }
}
