namespace Atelier.Models.Hmm;

/// <summary>
/// The likeliest sequence of states (Viterbi 1967), in logarithms, from both ends at once: the best ways to each state of
/// the middle from the left and from the right, on two threads, then back along both. Ways are found again from the best
/// values, so that no table of predecessors is written.
/// </summary>
internal static unsafe class Viterbi
{
    private const int Block = 256;
    private const int LongSequence = 4096;

    /// <summary>[time]: the states, and the logarithm of their probability together with what was observed.</summary>
    /// <exception cref="AtelierException">The sequence is impossible under the model.</exception>
    public static (int[] States, double LogProbability) Run(HmmModel model, HmmSequence sequence)
    {
        int length = sequence.Length, half = (length + 1) / 2, width = model.Chain.Width, states = model.StateCount;
        if (length == 0)
            return ([], 0);
        using AlignedNumbers on = Logs(model.Chain.Transitions), back = Logs(model.Chain.Transposed), start = Logs(model.Chain.Start), none = Logs(Enumerable.Repeat(1.0, width));
        double leftLogs = 0, rightLogs = 0;
        Trellis? left = null, right = null;
        try
        {
            void Left() => left = new Trellis(half, width, ForwardBackward.Budget, (first, count, before, to) =>
                leftLogs = Work(model, sequence, first, count, (double*)before, (double*)to, on, start, forward: true) + (first == 0 ? 0 : leftLogs));
            void Right() => right = new Trellis(length - half, width, ForwardBackward.Budget, (first, count, before, to) =>
                rightLogs = Work(model, sequence, first, count, (double*)before, (double*)to, back, none, forward: false) + (first == 0 ? 0 : rightLogs));
            InParallel.Both(length > LongSequence, Left, Right);
            double taken = leftLogs + rightLogs; // before blocks are worked out again
            int[] path = new int[length];
            (path[half - 1], double best) = Middle(left!, right!, on.Pointer, states, width);
            if (!double.IsFinite(best + taken))
                throw new AtelierException("the sequence is impossible under the model", hint: "raise model.emissionPrior or model.transitionPrior");
            void TraceLeft()
            {
                for (int t = half - 2; t >= 0; t--)
                    path[t] = ViterbiSteps.Best(left![t], back.Pointer + ((long)path[t + 1] * width), width);
            }
            void TraceRight()
            {
                for (int t = half; t < length; t++)
                    path[t] = ViterbiSteps.Best(right![length - 1 - t], on.Pointer + ((long)path[t - 1] * width), width);
            }
            InParallel.Both(length > LongSequence, TraceLeft, TraceRight);
            return (path, best + taken);
        }
        finally
        {
            left?.Dispose();
            right?.Dispose();
        }
    }

    private static AlignedNumbers Logs(IEnumerable<double> probabilities) => new([.. probabilities.Select(p => Math.Log(p))]);

    /// <summary>The best values of some indices, with the likelihood there.</summary>
    private static double Work(HmmModel model, HmmSequence sequence, int first, int count, double* before, double* to, AlignedNumbers matrix, AlignedNumbers start, bool forward)
    {
        int width = model.Chain.Width, states = model.StateCount;
        using var scratch = new AlignedNumbers((long)Math.Min(Block, count) * width);
        double* b = scratch.Pointer;
        double logs = 0;
        for (int at = 0; at < count; at += Block)
        {
            int some = Math.Min(Block, count - at), done = 0;
            int from = forward ? first + at : sequence.Length - first - at - some, step = forward ? width : -width;
            logs += model.Emissions.LogLikelihoods(sequence, from, some, b);
            double* here = forward ? b : b + ((some - 1) * width);
            if (first + at == 0)
            {
                HmmKernels.Scale(start.Pointer, 1, to, width);
                HmmKernels.Add(here, to, width);
                before = to;
                done = 1;
            }
            ViterbiSteps.Advance(before, matrix.Pointer, here + (done * step), step, to + (done * width), some - done, states, width);
            to += some * width;
            before = to - width;
        }
        return logs;
    }

    private static (int State, double Best) Middle(Trellis left, Trellis right, double* on, int states, int width)
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
