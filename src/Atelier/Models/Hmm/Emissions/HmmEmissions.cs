using System.Globalization;
using Atelier.Abstractions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm.Emissions;

/// <summary>
/// The emission distributions of the states of a hidden Markov model. Instances are immutable; training creates new
/// ones.
/// </summary>
internal abstract class HmmEmissions
{
    /// <summary>Creates emissions of a number of hidden states.</summary>
    protected HmmEmissions(int stateCount) => (StateCount, Width) = (stateCount, HmmKernels.Width(stateCount));

    /// <summary>The number of hidden states.</summary>
    public int StateCount { get; }

    /// <summary>The number of states including padding.</summary>
    public int Width { get; }

    /// <summary>The number of values at each time step: the columns of a series, or one symbol.</summary>
    public virtual int Dimension => 1;

    /// <summary>The number of free parameters, which BIC penalises.</summary>
    public abstract long FreeParameters { get; }

    /// <summary>The length of the array of sufficient statistics that <see cref="Accumulate"/> adds to.</summary>
    public abstract long StatisticsSize { get; }

    /// <summary>The parameters by name, as bundles and checkpoints store them.</summary>
    public abstract IReadOnlyDictionary<string, (double[] Values, long[] Shape)> Tensors { get; }

    /// <summary>
    /// Computes the likelihood of the observations in each state. The likelihoods of each time step are divided by the
    /// largest of them.
    /// </summary>
    /// <param name="sequence">The observations.</param>
    /// <param name="from">The first time step.</param>
    /// <param name="count">The number of time steps.</param>
    /// <param name="likelihoods">[count, width]: receives the scaled likelihoods; padding is zero.</param>
    /// <returns>The sum of the logarithms of the divisors; minus infinity if an observation is impossible in every
    /// state.</returns>
    public abstract unsafe double Likelihoods(HmmSequence sequence, int from, int count, double* likelihoods);

    /// <summary>
    /// Computes the logarithms of <see cref="Likelihoods"/>; padding is minus infinity. Returns the same sum.
    /// </summary>
    public virtual unsafe double LogLikelihoods(HmmSequence sequence, int from, int count, double* logs)
    {
        double divisors = Likelihoods(sequence, from, count, logs);
        for (int i = 0; i < count * Width; i++)
            logs[i] = Math.Log(logs[i]);
        return divisors;
    }

    /// <summary>
    /// Adds observations to the sufficient statistics, weighted by the posterior probability of each state.
    /// </summary>
    /// <param name="sequence">The observations.</param>
    /// <param name="from">The first time step.</param>
    /// <param name="count">The number of time steps.</param>
    /// <param name="posteriors">[count, width]: the posterior probabilities; each row sums to 1.</param>
    /// <param name="sums">[<see cref="StatisticsSize"/>]: the statistics to add to.</param>
    public abstract unsafe void Accumulate(HmmSequence sequence, int from, int count, double* posteriors,
        double[] sums);

    /// <summary>
    /// The M step: returns emissions with the maximum-likelihood parameters for sufficient statistics.
    /// </summary>
    public abstract HmmEmissions Maximise(double[] sums, HmmConfig config);

    /// <summary>Samples a symbol from a state's distribution.</summary>
    /// <exception cref="NotSupportedException">The states emit numbers.</exception>
    public virtual int SampleSymbol(int state, ref SplitMix64 random) => throw new NotSupportedException();

    /// <summary>Samples a row of numbers from a state's distribution.</summary>
    /// <exception cref="NotSupportedException">The states emit symbols.</exception>
    public virtual void SampleValues(int state, ref SplitMix64 random, Span<double> values) =>
        throw new NotSupportedException();

    /// <summary>Tables of the emission distribution of each state, for readers.</summary>
    /// <param name="names">Returns the name of a symbol or of a column.</param>
    public abstract IReadOnlyList<ExplanationTable> Explain(Func<int, string> names);

    /// <summary>
    /// Rounds a number for display: to six significant digits, or from 100,000 on to two decimal places.
    /// </summary>
    protected static CellValue Rounded(double value) => new(Math.Abs(value) is >= 1e5 and < 1e15
        ? Math.Round(value, 2)
        : double.Parse(value.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));

    /// <summary>Replaces each log-likelihood x by exp(x − largest); returns the largest.</summary>
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
