namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The E step in log space, for sequences whose probabilities leave the range of fp64 even when they are scaled.
/// </summary>
internal static unsafe class LogSpace
{
    /// <summary>Adds a sequence's expected counts to sums.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sequence">The observations.</param>
    /// <param name="sums">The counts to add to.</param>
    /// <param name="posteriors">[time, state]: receives the posteriors; null to omit them.</param>
    /// <param name="number">The index of the sequence, for the error message.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The sequence is impossible under the model.</exception>
    public static void Expect(HmmModel model, HmmSequence sequence, HmmStatistics sums, double[]? posteriors,
        int number, CancellationToken cancellation = default)
    {
        int length = sequence.Length, states = model.StateCount, width = model.Chain.Width;
        double[] likelihoods = new double[(long)length * width];
        double divisors; // the logarithms of the factors by which likelihoods were scaled down
        fixed (double* b = likelihoods)
            divisors = model.Emissions.Likelihoods(sequence, 0, length, b);
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
        if (!double.IsFinite(total + divisors))
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
                    if (model.Chain.Transition(i, j) <= 0)
                        continue;
                    // The M step multiplies by the transition's probability.
                    double after = B(t + 1, j) + backward[((t + 1) * states) + j];
                    sums.Transitions[(i * width) + j] += Math.Exp(forward[(t * states) + i] + after - total);
                }
            }
            fixed (double* g = gamma)
                model.Emissions.Accumulate(sequence, t, 1, g, sums.Emissions);
        }
        sums.LogLikelihood += total + divisors;
    }

    /// <summary>ln Σ_i exp(log(i)), computed without overflow.</summary>
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
