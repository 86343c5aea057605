using Atelier.Compress;

namespace Atelier.Tests.Compress;

public sealed class WeightPruningTests
{
    // two outputs of four inputs; the third input is large, the first small
    private static readonly float[] _weights = [3, 1, 0.5f, 2, -0.1f, 4, -0.2f, 5];
    private static readonly double[] _moments = Diagonal(0.01, 1, 100, 1);

    [Fact]
    public void The_weights_of_each_output_with_the_smallest_products_with_the_norms_of_inputs_are_zero()
    {
        // products: 0.3, 1, 5, 2 and 0.01, 4, 2, 5
        float[] pruned = [.. _weights];
        WeightPruning.Prune(pruned, 4, isTransposed: false, _moments, 0.5, inGroups: false);
        pruned.ShouldBe([0, 0, 0.5f, 2, 0, 4, 0, 5]);
        pruned = [.. _weights];
        WeightPruning.Prune(pruned, 4, isTransposed: false, _moments, 0.25, inGroups: false);
        pruned.ShouldBe([0, 1, 0.5f, 2, 0, 4, -0.2f, 5]);
    }

    [Fact]
    public void A_transposed_matrix_is_pruned_alike()
    {
        float[] transposed = [3, -0.1f, 1, 4, 0.5f, -0.2f, 2, 5];
        WeightPruning.Prune(transposed, 4, isTransposed: true, _moments, 0.5, inGroups: false);
        transposed.ShouldBe([0, 0, 0, 4, 0.5f, 0, 2, 5]);
    }

    [Fact]
    public void Of_every_four_neighbours_two_stay_and_of_a_rest_of_three_too()
    {
        float[] weights = [1, 2, 3, 4, 8, 7, 6, 5, 1, -3, 2];
        WeightPruning.Prune(weights, 11, isTransposed: false, Diagonal([.. Enumerable.Repeat(1.0, 11)]), 0.5,
            inGroups: true);
        weights.ShouldBe([0, 0, 3, 4, 8, 7, 0, 0, 0, -3, 2]);
    }

    private static double[] Diagonal(params double[] values)
    {
        double[] matrix = new double[values.Length * values.Length];
        for (int i = 0; i < values.Length; i++)
            matrix[(i * values.Length) + i] = values[i];
        return matrix;
    }
}
