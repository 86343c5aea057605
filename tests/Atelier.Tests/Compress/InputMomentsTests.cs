using Atelier.Compress;
using Atelier.Networks;

namespace Atelier.Tests.Compress;

public sealed class InputMomentsTests
{
    [Fact]
    public void Moments_are_the_sums_of_products_of_all_inputs_and_layers_with_the_same_inputs_share_them()
    {
        var moments = new InputMoments(mostBytes: 1 << 20);
        float[] first = [1, 2, 3, 4], second = [-1, 0.5f]; // two vectors of two columns, then one
        foreach (float[] vectors in (float[][])[first, second])
        {
            moments.Add("query", vectors, 2);
            moments.Add("key", vectors, 2);
            moments.Add("key", vectors, 2); // rows of one matrix
        }
        moments.Add("down", [2, 0, 1], 3);
        moments.Find("query").ShouldBe([1 + 9 + 1, 2 + 12 - 0.5, 2 + 12 - 0.5, 4 + 16 + 0.25]);
        moments.Find("key").ShouldBeSameAs(moments.Find("query"));
        moments.Find("down").ShouldBe([4, 0, 2, 0, 0, 0, 2, 0, 1]);
        moments.Find("other").ShouldBeNull();
    }

    [Fact]
    public void Layers_whose_inputs_were_once_alike_by_chance_keep_their_own_moments()
    {
        var moments = new InputMoments(mostBytes: 1 << 20);
        moments.Add("a", [1], 1);
        moments.Add("b", [2], 1);
        moments.Add("a", [3], 1);
        moments.Add("b", [3], 1);
        (moments.Find("a")![0], moments.Find("b")![0]).ShouldBe((1 + 9, 4 + 9));
    }

    [Fact]
    public void Moments_that_do_not_fit_into_memory_are_one_line() =>
        Should.Throw<AtelierException>(() => InputMoments.Measure(new Wide(), [new int[8]], CancellationToken.None,
            mostBytes: 100)).ToLine().ShouldContain("do not fit into memory");

    private sealed class Wide : ICalibratable
    {
        public void Calibrate(ReadOnlyMemory<int> tokens, ILinearInputs inputs) => inputs.Add("wide", new float[4], 4);
    }
}
