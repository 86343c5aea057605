using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tensors;

/// <summary>Dimensions of whole blocks, which oneDNN reorders rightly where it drops numbers of others.</summary>
internal static class Blocks
{
    private const int Size = 16; // the channels that oneDNN keeps side by side

    /// <summary>Zeros at the end of a dimension, up to a whole number of blocks.</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="dimension">Counted from 0.</param>
    /// <param name="stride">The stride of a convolution with these channels. With a stride above one, odd numbers of
    /// blocks from three on were found to give wrong gradients, and one more block is taken.</param>
    public static Tensor Pad(Tensor x, int dimension, long stride = 1)
    {
        long size = x.shape[dimension], blocks = (size + Size - 1) / Size;
        if (stride > 1 && blocks > 1)
            blocks += blocks % 2;
        if (blocks * Size == size)
            return x;
        var sides = new long[2 * (x.dim() - dimension)]; // from the last dimension to this one, before and behind
        sides[^1] = (blocks * Size) - size;
        return F.pad(x, sides);
    }
}
