using Atelier.Abstractions;
using Atelier.Evaluation;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm.Emissions;

/// <summary>Poisson emissions: each state emits counts, with one rate for each column.</summary>
/// <param name="stateCount">The number of hidden states.</param>
/// <param name="rates">[state, dimension]: the rates.</param>
/// <param name="dimension">The number of columns.</param>
internal sealed class PoissonEmissions(int stateCount, double[] rates, int dimension) : HmmEmissions(stateCount)
{
    private const double LeastRate = 1e-9; // so that a state trained on zeros alone does not forbid other counts

    private readonly double[] _logRates = Array.ConvertAll(rates, Math.Log);

    /// <inheritdoc/>
    public override int Dimension { get; } = dimension;

    /// <inheritdoc/>
    public override long FreeParameters => rates.Length;

    /// <inheritdoc/>
    public override long StatisticsSize => (long)StateCount * (Dimension + 1);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, (double[] Values, long[] Shape)> Tensors =>
        new Dictionary<string, (double[], long[])> { ["rates"] = (rates, [StateCount, Dimension]) };

    /// <inheritdoc/>
    public override unsafe double Likelihoods(HmmSequence sequence, int from, int count, double* likelihoods)
    {
        double logs = 0;
        ReadOnlySpan<double> values = sequence.Values.Span.Slice(from * Dimension, count * Dimension);
        for (int t = 0; t < count; t++, likelihoods += Width)
        {
            ReadOnlySpan<double> counts = values.Slice(t * Dimension, Dimension);
            double factorials = 0;
            foreach (double number in counts)
                factorials += SpecialFunctions.LogFactorial(number);
            new Span<double>(likelihoods, Width).Clear();
            for (int state = 0; state < StateCount; state++)
            {
                double log = -factorials;
                for (int d = 0; d < Dimension; d++)
                    log += (counts[d] * _logRates[(state * Dimension) + d]) - rates[(state * Dimension) + d];
                likelihoods[state] = log;
            }
            logs += Exponentiate(likelihoods, StateCount);
        }
        return logs;
    }

    /// <inheritdoc/>
    public override unsafe void Accumulate(HmmSequence sequence, int from, int count, double* posteriors, double[] sums)
    {
        ReadOnlySpan<double> values = sequence.Values.Span.Slice(from * Dimension, count * Dimension);
        for (int t = 0; t < count; t++, posteriors += Width)
        {
            for (int state = 0; state < StateCount; state++)
            {
                int at = state * (Dimension + 1);
                sums[at] += posteriors[state];
                for (int d = 0; d < Dimension; d++)
                    sums[at + 1 + d] += posteriors[state] * values[(t * Dimension) + d];
            }
        }
    }

    /// <inheritdoc/>
    public override HmmEmissions Maximise(double[] sums, HmmConfig config)
    {
        double[] maximised = new double[rates.Length];
        for (int state = 0; state < StateCount; state++)
        {
            double weight = sums[state * (Dimension + 1)];
            for (int d = 0; d < Dimension; d++)
            {
                int at = (state * Dimension) + d;
                maximised[at] = weight > 0 ? Math.Max(LeastRate, sums[(state * (Dimension + 1)) + 1 + d] / weight)
                    : rates[at];
            }
        }
        return new PoissonEmissions(StateCount, maximised, Dimension);
    }

    /// <inheritdoc/>
    public override void SampleValues(int state, ref SplitMix64 random, Span<double> values)
    {
        for (int d = 0; d < Dimension; d++)
            values[d] = SpecialFunctions.SamplePoisson(rates[(state * Dimension) + d], ref random);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ExplanationTable> Explain(Func<int, string> names) =>
    [
        new("emissions", ["state", "column", "rate"],
            [.. from state in Enumerable.Range(0, StateCount)
                from d in Enumerable.Range(0, Dimension)
                select (IReadOnlyList<CellValue>)
                    [new(state), new(names(d)), Rounded(rates[(state * Dimension) + d])]]),
    ];
}
