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
    public static Tensor Pad(Tensor x, int dimension)
    {
        long more = -x.shape[dimension] & (Size - 1);
        if (more == 0)
            return x;
        var sides = new long[2 * (x.dim() - dimension)]; // from the last dimension to this one, before and behind
        sides[^1] = more;
        return F.pad(x, sides);
    }
}
