using System.Globalization;
using Atelier.Abstractions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm.Emissions;

/// <summary>
/// The emission distributions of a hidden Markov model's states. Immutable; training creates new ones.
/// </summary>
internal abstract class HmmEmissions
{
    protected HmmEmissions(int stateCount) => (StateCount, Width) = (stateCount, HmmKernels.Width(stateCount));

    /// <summary>Hidden states.</summary>
    public int StateCount { get; }

    /// <summary>States with their padding.</summary>
    public int Width { get; }

    /// <summary>The numbers it is free to choose.</summary>
    public abstract long FreeParameters { get; }

    /// <summary>The numbers that <see cref="Accumulate"/> adds up.</summary>
    public abstract long StatisticsSize { get; }

    /// <summary>The parameters by name, as bundles and checkpoints keep them.</summary>
    public abstract IReadOnlyDictionary<string, (double[] Values, long[] Shape)> Tensors { get; }

    /// <summary>
    /// The likelihood of what was observed from <paramref name="from"/> on, in each state, divided by the largest at
    /// that
    /// time. Returns the sum of the logarithms of those; minus infinity where something is impossible in every state.
    /// </summary>
    /// <param name="sequence">What was observed.</param>
    /// <param name="from">The first time.</param>
    /// <param name="count">Times.</param>
    /// <param name="likelihoods">[count, width]: filled, padding with zeros.</param>
    public abstract unsafe double Likelihoods(HmmSequence sequence, int from, int count, double* likelihoods);

    /// <summary>The logarithms of <see cref="Likelihoods"/>, padding with minus infinity.</summary>
    public virtual unsafe double LogLikelihoods(HmmSequence sequence, int from, int count, double* logs)
    {
        double taken = Likelihoods(sequence, from, count, logs);
        for (int i = 0; i < count * Width; i++)
            logs[i] = Math.Log(logs[i]);
        return taken;
    }

    /// <summary>Adds what was observed to sums, weighted by the probability of each state.</summary>
    /// <param name="sequence">What was observed.</param>
    /// <param name="from">The first time.</param>
    /// <param name="count">Times.</param>
    /// <param name="posteriors">[count, width]: each row sums to 1.</param>
    /// <param name="sums">The sums so far.</param>
    public abstract unsafe void Accumulate(HmmSequence sequence, int from, int count, double* posteriors,
        double[] sums);

    /// <summary>The likeliest parameters of the sums (the M step).</summary>
    public abstract HmmEmissions Maximise(double[] sums, HmmConfig config);

    /// <summary>Draws an emission of a state: a symbol.</summary>
    public virtual int SampleSymbol(int state, ref SplitMix64 random) => throw new NotSupportedException();

    /// <summary>Draws an emission of a state: numbers.</summary>
    public virtual void SampleValues(int state, ref SplitMix64 random, Span<double> values) =>
        throw new NotSupportedException();

    /// <summary>The most probable emissions of each state, for people.</summary>
    /// <param name="names">The names of symbols or columns.</param>
    public abstract IReadOnlyList<ExplanationTable> Explain(Func<int, string> names);

    /// <summary>A number as people read it: six digits, or more where it has more before its point.</summary>
    protected static CellValue Rounded(double value) => new(Math.Abs(value) is >= 1e5 and < 1e15
        ? Math.Round(value, 2)
        : double.Parse(value.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));

    /// <summary>Divides log-likelihoods by the largest and raises e to them; returns the largest.</summary>
    protected static unsafe double Exponentiate(double* logs, int states)
    {
        double largest = double.NegativeInfinity;
        for (int state = 0; state < states; state++)
            largest = Math.Max(largest, logs[state]);
        for (int state = 0; state < states; state++)
            logs[state] = double.IsNegativeInfinity(largest) ? 0 : Math.Exp(logs[state] - largest);
        return largest;
    }
}
