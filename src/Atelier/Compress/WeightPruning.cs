namespace Atelier.Compress;

/// <summary>
/// Sets the weights to zero that matter least for the inputs that a layer has: those with the smallest |w| ‖x‖, where
/// ‖x‖ is the norm of their input over a text (Wanda: Sun et al. 2024, eq. 1). The weights of each output are compared
/// with one another.
/// </summary>
internal static class WeightPruning
{
    private const int GroupSize = 4, KeptOfGroup = 2; // 2:4 sparsity (Mishra et al. 2021)

    /// <summary>Prunes a matrix in place.</summary>
    /// <param name="weights">The weights, [outputs, inputs], or [inputs, outputs].</param>
    /// <param name="inputs">Number of inputs.</param>
    /// <param name="isTransposed">Whether the matrix is [inputs, outputs].</param>
    /// <param name="moments">The sums of x xᵀ over inputs x, [inputs, inputs].</param>
    /// <param name="share">The share of the weights of each output to prune, 0 to 1; ignored for groups.</param>
    /// <param name="inGroups">Prunes two of every four neighbouring weights of an output.</param>
    public static void Prune(float[] weights, int inputs, bool isTransposed, double[] moments, double share,
        bool inGroups)
    {
        int outputs = weights.Length / inputs, size = inGroups ? GroupSize : inputs;
        double[] norms = [.. Enumerable.Range(0, inputs).Select(i => Math.Sqrt(moments[(i * inputs) + i]))];
        Parallel.For(0, outputs, output =>
        {
            int[] order = new int[size];
            double[] scores = new double[size];
            for (int start = 0; start < inputs; start += size)
            {
                int count = Math.Min(size, inputs - start);
                for (int i = 0; i < count; i++)
                    (order[i], scores[i]) =
                        (start + i, Math.Abs(weights[At(output, start + i)]) * norms[start + i]);
                Array.Sort(scores, order, 0, count);
                int pruned = inGroups ? Math.Max(0, count - KeptOfGroup) : (int)Math.Round(share * count);
                for (int i = 0; i < pruned; i++)
                    weights[At(output, order[i])] = 0;
            }
        });

        int At(int output, int input) => isTransposed ? (input * outputs) + output : (output * inputs) + input;
    }
}
