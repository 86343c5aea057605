using Atelier.Training.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Training.Distributed;

public sealed class GradientExchangeTests
{
    [Fact]
    public void Sums_of_small_large_and_scattered_tensors_are_those_of_plain_additions()
    {
        // Small ones fill more than a bucket, a large one is cut, and a transposed one lies scattered in memory.
        long[][] shapes =
            [.. Enumerable.Repeat(new long[] { 100_000 }, 12), [GradientExchange.BucketSize + 17], [3, 5], [7]];
        Tensor[] Make(int rank)
        {
            using var generator = new Generator((ulong)rank + 1, CPU);
            Tensor[] made = [.. shapes.Select(shape => randn(shape, generator: generator))];
            made[^2] = made[^2].t();
            return made;
        }

        float[][][] sums = ThreadRanks.Run(3, ranks =>
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            Tensor[] own = Make(ranks.Rank);
            new GradientExchange(ranks).Sum(own);
            return own.Select(tensor => tensor.contiguous().data<float>().ToArray()).ToArray();
        });
        using var scope = NewDisposeScope();
        Tensor[] first = Make(0), second = Make(1), third = Make(2);
        for (int i = 0; i < shapes.Length; i++)
        {
            float[] expected = first[i].add(second[i]).add(third[i]).contiguous().data<float>().ToArray();
            foreach (float[][] sum in sums)
                sum[i].ShouldBe(expected);
        }
    }
}
