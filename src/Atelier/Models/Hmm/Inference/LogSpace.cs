namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The E step in logarithms: for sequences whose probabilities leave the range of fp64 even when scaled.
/// </summary>
internal static unsafe class LogSpace
{
    /// <summary>Adds a sequence's expected counts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sequence">The observations.</param>
    /// <param name="sums">Added to.</param>
    /// <param name="posteriors">[time, state]: written where asked.</param>
    /// <param name="number">The sequence's number, for the error.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The sequence is impossible under the model.</exception>
    public static void Expect(HmmModel model, HmmSequence sequence, HmmStatistics sums, double[]? posteriors,
        int number, CancellationToken cancellation = default)
    {
        int length = sequence.Length, states = model.StateCount, width = model.Chain.Width;
        double[] likelihoods = new double[(long)length * width];
        double taken;
        fixed (double* b = likelihoods)
            taken = model.Emissions.Likelihoods(sequence, 0, length, b);
        double[] forward = new double[(long)length * states], backward = new double[(long)length * states];
        double B(int t, int k) => Math.Log(likelihoods[((long)t * width) + k]);
        double A(int i, int j) => Math.Log(model.Chain.Transition(i, j));
        for (int t = 0; t < length; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int j = 0; j < states; j++)
            {
                double best = t == 0 ? Math.Log(model.Chain.Start[j])
                    : LogSum(states, i => forward[((t - 1) * states) + i] + A(i, j));
                forward[(t * states) + j] = best + B(t, j);
            }
        }
        double total = LogSum(states, i => forward[((length - 1) * states) + i]);
        if (!double.IsFinite(total + taken))
        {
            int at = Enumerable.Range(0, length)
                .FirstOrDefault(t => !double.IsFinite(LogSum(states, i => forward[(t * states) + i])));
            throw new AtelierException($"sequence {number + 1} has probability zero under the model from position "
                + $"{at + 1} on",
                hint: "raise model.emissionPrior or model.transitionPrior, or allow more transitions");
        }
        for (int t = length - 2; t >= 0; t--)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < states; i++)
                backward[(t * states) + i] =
                    LogSum(states, j => A(i, j) + B(t + 1, j) + backward[((t + 1) * states) + j]);
        }
        double[] gamma = new double[width];
        for (int t = 0; t < length; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < states; i++)
            {
                gamma[i] = Math.Exp(forward[(t * states) + i] + backward[(t * states) + i] - total);
                if (posteriors is not null)
                    posteriors[(t * states) + i] = gamma[i];
                if (t == 0)
                    sums.Starts[i] += gamma[i];
                for (int j = 0; j < states && t < length - 1; j++)
                {
                    // The transition's own probability is put in by the M step.
                    if (model.Chain.Transition(i, j) > 0)
                        sums.Transitions[(i * width) + j] += Math.Exp(forward[(t * states) + i] + B(t + 1, j)
                            + backward[((t + 1) * states) + j] - total);
                }
            }
            fixed (double* g = gamma)
                model.Emissions.Accumulate(sequence, t, 1, g, sums.Emissions);
        }
        sums.LogLikelihood += total + taken;
    }

    private static double LogSum(int count, Func<int, double> log)
    {
        double largest = double.NegativeInfinity;
        for (int i = 0; i < count; i++)
            largest = Math.Max(largest, log(i));
        if (double.IsNegativeInfinity(largest))
            return largest;
        double sum = 0;
        for (int i = 0; i < count; i++)
            sum += Math.Exp(log(i) - largest);
        return largest + Math.Log(sum);
    }
}
