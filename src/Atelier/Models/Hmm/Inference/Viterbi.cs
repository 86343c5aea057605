namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// Finds the most probable sequence of states (Viterbi 1967), in log space. Two threads compute the best paths to each
/// state at the middle, one from the beginning and one from the end; the best pair is then traced back to both ends.
/// </summary>
internal static unsafe class Viterbi
{
    private const int LongSequence = 4096;

    /// <summary>
    /// Returns the most probable states [time], and the logarithm of their joint probability with the observations.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="sequence">The observations.</param>
    /// <param name="budget">For more than eight states: the most bytes for the values of half a sequence. Above it
    /// about √T of them are stored and the others are recomputed.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The sequence is impossible under the model.</exception>
    public static (int[] States, double LogProbability) Run(HmmModel model, HmmSequence sequence,
        long budget = ForwardBackward.Budget, CancellationToken cancellation = default)
    {
        int length = sequence.Length, middle = (length + 1) / 2, width = model.Chain.Width;
        if (length == 0)
            return ([], 0);
        using AlignedBuffer on = Logs(model.Chain.Transitions), back = Logs(model.Chain.Transposed),
            start = Logs(model.Chain.Start), none = Logs(Enumerable.Repeat(1.0, width));
        ViterbiHalf Half(AlignedBuffer matrix, AlignedBuffer first, bool forward) =>
            new(model, sequence, matrix, first, forward, cancellation);
        Backtrace? left = null, right = null;
        Backtrace Paths(ViterbiHalf half, int times, AlignedBuffer into) =>
            width == HmmKernels.Lanes ? new PackedBacktrace(half, times)
                : new CheckpointedBacktrace(half, times, into.Pointer, budget);
        try
        {
            InParallel.Both(length > LongSequence,
                () => left = Paths(Half(on, start, forward: true), middle, back),
                () => right = Paths(Half(back, none, forward: false), length - middle, on));
            int[] path = new int[length];
            (int state, double best) = Middle(left!, right!, on.Pointer, model.StateCount, width);
            if (!double.IsFinite(best + left!.Logs + right!.Logs))
                throw new AtelierException("the sequence has probability zero under the model",
                    hint: "raise model.emissionPrior or model.transitionPrior");
            InParallel.Both(length > LongSequence,
                () => left.Trace(state, path.AsSpan(0, middle), turned: false),
                () => TraceRight(right, on.Pointer + ((long)state * width), width, path.AsSpan(middle)));
            return (path, best + left.Logs + right.Logs);
        }
        finally
        {
            left?.Dispose();
            right?.Dispose();
        }
    }

    private static void TraceRight(Backtrace right, double* transitions, int width, Span<int> path)
    {
        if (right.Times > 0)
            right.Trace(ViterbiSteps.Best(right.Last, transitions, width), path, turned: true);
    }

    private static AlignedBuffer Logs(IEnumerable<double> probabilities) =>
        new([.. probabilities.Select(p => Math.Log(p))]);

    private static (int State, double Best) Middle(Backtrace left, Backtrace right, double* on, int states, int width)
    {
        (int State, double Best) best = (0, double.NegativeInfinity);
        for (int i = 0; i < states; i++)
        {
            double value = left.Last[i];
            if (right.Times > 0)
            {
                double after = double.NegativeInfinity;
                for (int j = 0; j < states; j++)
                    after = Math.Max(after, on[(i * width) + j] + right.Last[j]);
                value += after;
            }
            if (value > best.Best)
                best = (i, value);
        }
        return best;
    }
}
