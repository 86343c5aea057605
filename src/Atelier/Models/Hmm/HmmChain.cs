using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm;

/// <summary>
/// The start and transition probabilities of a hidden Markov model. Rows are padded with zeros to a multiple of the
/// SIMD vector length (<see cref="Width"/>).
/// </summary>
internal sealed class HmmChain
{
    /// <summary>Creates a chain from its probabilities.</summary>
    /// <param name="start">[state]; sums to 1.</param>
    /// <param name="transitions">[from, to], without padding; each row sums to 1.</param>
    /// <exception cref="AtelierException">A row does not sum to 1, or a value is not between 0 and 1.</exception>
    public HmmChain(double[] start, double[] transitions)
    {
        StateCount = start.Length;
        Width = HmmKernels.Width(StateCount);
        Check("the start probabilities", start);
        for (int state = 0; state < StateCount; state++)
            Check($"the transitions from state {state}", transitions.AsSpan(state * StateCount, StateCount));
        Start = Padding.Add(start, StateCount, Width);
        Transitions = Padding.Add(transitions, StateCount, Width);
        double[] transposed = new double[transitions.Length];
        for (int i = 0; i < StateCount; i++)
        {
            for (int j = 0; j < StateCount; j++)
                transposed[(j * StateCount) + i] = transitions[(i * StateCount) + j];
        }
        Transposed = Padding.Add(transposed, StateCount, Width);
    }

    /// <summary>The number of hidden states.</summary>
    public int StateCount { get; }

    /// <summary>The number of states including padding.</summary>
    public int Width { get; }

    /// <summary>[width]: the start probabilities.</summary>
    public double[] Start { get; }

    /// <summary>[from, width]: the transition probabilities.</summary>
    public double[] Transitions { get; }

    /// <summary>[to, width]: the transposed transition matrix.</summary>
    public double[] Transposed { get; }

    /// <summary>
    /// The number of free parameters: the allowed starts and transitions, less one for each row, which sums to 1.
    /// </summary>
    public long FreeParameters
    {
        get
        {
            long free = Math.Max(0, Start.Count(p => p > 0) - 1);
            for (int state = 0; state < StateCount; state++)
                free += Math.Max(0, Transitions.AsSpan(state * Width, Width).ToArray().Count(p => p > 0) - 1);
            return free;
        }
    }

    /// <summary>The probability of the transition from one state to another.</summary>
    public double Transition(int from, int to) => Transitions[(from * Width) + to];

    /// <summary>
    /// The M step: the maximum-likelihood chain for expected counts. Impossible transitions stay impossible, and a
    /// state whose counts are all zero keeps its probabilities.
    /// </summary>
    /// <param name="starts">[width]: the expected number of sequences that start in each state.</param>
    /// <param name="counts">[from, width]: the expected numbers of transitions, each divided by the transition's
    /// probability.</param>
    /// <param name="prior">The pseudo-count added to each allowed start and transition.</param>
    public HmmChain Maximise(double[] starts, double[] counts, double prior)
    {
        double[] start = Row(Start, i => starts[i]), transitions = new double[StateCount * StateCount];
        for (int state = 0; state < StateCount; state++)
        {
            int at = state * Width;
            Row(Transitions.AsSpan(at, Width).ToArray(), j => counts[at + j] * Transitions[at + j])
                .CopyTo(transitions, state * StateCount);
        }
        return new HmmChain(start, transitions);

        double[] Row(double[] before, Func<int, double> count)
        {
            double[] row = [.. Enumerable.Range(0, StateCount).Select(i => before[i] > 0 ? count(i) + prior : 0)];
            double sum = row.Sum();
            return sum > 0 ? Array.ConvertAll(row, value => value / sum) : before[..StateCount];
        }
    }

    private static void Check(string what, ReadOnlySpan<double> row)
    {
        double sum = 0;
        foreach (double probability in row)
        {
            if (!(probability >= 0 && probability <= 1 + 1e-9))
                throw new AtelierException($"{what} hold {probability}, which is not a probability");
            sum += probability;
        }
        if (Math.Abs(sum - 1) > 1e-6)
            throw new AtelierException(FormattableString.Invariant($"{what} sum to {sum:0.######}"),
                hint: "the probabilities of each row must sum to 1");
    }
}
