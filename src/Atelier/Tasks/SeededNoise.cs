using static TorchSharp.torch;

namespace Atelier.Tasks;

/// <summary>The noise that samples are generated from.</summary>
internal static class SeededNoise
{
    /// <summary>Returns standard normal noise, each sample's from its own seed.</summary>
    /// <param name="seed">The seed of all samples.</param>
    /// <param name="first">The number of the first sample.</param>
    /// <param name="count">The number of samples.</param>
    /// <param name="size">The values of a sample.</param>
    /// <returns>[count, size], fp32, on the CPU.</returns>
    public static Tensor Of(long seed, int first, int count, long size)
    {
        using var random = new Generator(0, CPU);
        Tensor noise = empty(count, size);
        for (int row = 0; row < count; row++)
        {
            using var scope = NewDisposeScope();
            random.manual_seed((long)SplitMix64.At((ulong)seed, (ulong)first + (ulong)row));
            noise.narrow(0, row, 1).normal_(0, 1, random);
        }
        return noise;
    }
}
