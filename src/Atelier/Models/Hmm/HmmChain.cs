using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm;

/// <summary>The start and transition probabilities. Rows are padded to whole vectors.</summary>
internal sealed class HmmChain
{
    /// <summary>A chain of given probabilities.</summary>
    /// <param name="start">[state]; sums to 1.</param>
    /// <param name="transitions">[from, to], without padding; each row sums to 1.</param>
    /// <exception cref="AtelierException">A row does not sum to 1, or is not of probabilities.</exception>
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

    /// <summary>Hidden states.</summary>
    public int StateCount { get; }

    /// <summary>States with their padding.</summary>
    public int Width { get; }

    /// <summary>[width].</summary>
    public double[] Start { get; }

    /// <summary>[from, width].</summary>
    public double[] Transitions { get; }

    /// <summary>[to, width].</summary>
    public double[] Transposed { get; }

    /// <summary>Transitions and starts that are allowed, less what sums to 1.</summary>
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

    /// <summary>The probability of going from one state to another.</summary>
    public double Transition(int from, int to) => Transitions[(from * Width) + to];

    /// <summary>
    /// The likeliest chain of expected counts; what was impossible stays so, and a state that nothing leaves keeps its
    /// row.
    /// </summary>
    /// <param name="starts">[width].</param>
    /// <param name="counts">[from, width]: without the transition's own probability as a factor.</param>
    /// <param name="prior">Added to each count that may be.</param>
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
