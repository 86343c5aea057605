using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// Gathers the neighbours of each position of a sequence, so that a convolution over time becomes a matrix product. All
/// its operators, and their gradients, are copies.
/// </summary>
internal static class TimeWindows
{
    /// <summary>Returns the windows of a sequence, which overlap.</summary>
    /// <param name="x">[batch, time, channels].</param>
    /// <param name="size">The number of positions in a window.</param>
    /// <param name="dilation">The distance between two positions of a window.</param>
    /// <returns>[batch, time − (size − 1) · dilation, size · channels].</returns>
    public static Tensor Of(Tensor x, int size, int dilation = 1)
    {
        long count = x.shape[1] - ((size - 1) * dilation);
        return size == 1 ? x : cat([.. Enumerable.Range(0, size).Select(i => x.narrow(1, i * dilation, count))], 2);
    }

    /// <summary>Adds zeros at both ends of a sequence.</summary>
    /// <param name="x">[batch, time, channels].</param>
    /// <param name="before">The number of positions before the first one.</param>
    /// <param name="after">The number of positions after the last one.</param>
    public static Tensor Pad(Tensor x, long before, long after) => nn.functional.pad(x, [0, 0, before, after]);
}
