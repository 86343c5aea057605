using Atelier.Abstractions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm.Emissions;

/// <summary>
/// Emissions of rows of categories, numbered from 0: given the state, the columns are independent, each with a
/// categorical distribution of its own. With two categories in every column these are Bernoulli emissions.
/// </summary>
internal sealed class ColumnEmissions : HmmEmissions
{
    private readonly int[] _sizes; // [column]: the number of categories
    private readonly int[] _offsets; // [column]: where its categories begin among those of all columns
    private readonly double[] _probabilities; // [category of any column, width]; the padding is zero
    private readonly double[] _logs;

    /// <summary>Creates emissions from their parameters.</summary>
    /// <param name="stateCount">The number of hidden states.</param>
    /// <param name="sizes">[column]: the number of categories, 1 or more.</param>
    /// <param name="probabilities">[categories of all columns, width]: for each state, those of a column sum to 1; the
    /// padding is zero.</param>
    public ColumnEmissions(int stateCount, int[] sizes, double[] probabilities) : base(stateCount)
    {
        (_sizes, _probabilities) = (sizes, probabilities);
        _offsets = Offsets(sizes);
        _logs = Array.ConvertAll(probabilities, Math.Log);
    }

    /// <summary>[column]: where the categories of each column begin among those of all columns.</summary>
    /// <param name="sizes">[column]: the number of categories.</param>
    public static int[] Offsets(int[] sizes)
    {
        int[] offsets = new int[sizes.Length];
        for (int d = 1; d < sizes.Length; d++)
            offsets[d] = offsets[d - 1] + sizes[d - 1];
        return offsets;
    }

    /// <inheritdoc/>
    public override int Dimension => _sizes.Length;

    /// <inheritdoc/>
    public override long FreeParameters => (long)StateCount * (_sizes.Sum() - Dimension);

    /// <inheritdoc/>
    public override long StatisticsSize => _probabilities.Length;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, (double[] Values, long[] Shape)> Tensors =>
        new Dictionary<string, (double[], long[])>
        {
            [HmmTensors.Sizes] = (Array.ConvertAll(_sizes, size => (double)size), [Dimension]),
            ["emissions"] = (Padding.Remove(_probabilities, StateCount, Width), [_sizes.Sum(), StateCount]),
        };

    /// <inheritdoc/>
    public override unsafe double Likelihoods(HmmSequence sequence, int from, int count, double* likelihoods)
    {
        double logs = 0;
        ReadOnlySpan<double> values = sequence.Values.Span.Slice(from * Dimension, count * Dimension);
        for (int t = 0; t < count; t++, likelihoods += Width)
        {
            var row = new Span<double>(likelihoods, Width);
            row.Clear();
            for (int d = 0; d < Dimension; d++)
            {
                int category = Category(values[(t * Dimension) + d], d);
                for (int state = 0; state < StateCount; state++)
                    row[state] += category < 0 ? double.NegativeInfinity : _logs[(category * Width) + state];
            }
            logs += Exponentiate(likelihoods, StateCount);
        }
        return logs;
    }

    /// <inheritdoc/>
    public override unsafe void Accumulate(HmmSequence sequence, int from, int count, double* posteriors, double[] sums)
    {
        ReadOnlySpan<double> values = sequence.Values.Span.Slice(from * Dimension, count * Dimension);
        fixed (double* counts = sums)
        {
            for (int i = 0; i < values.Length; i++)
            {
                int category = Category(values[i], i % Dimension);
                HmmKernels.Add(posteriors + (i / Dimension * Width), counts + ((long)category * Width), Width);
            }
        }
    }

    /// <inheritdoc/>
    public override HmmEmissions Maximise(double[] sums, HmmConfig config)
    {
        double[] probabilities = [.. _probabilities];
        for (int d = 0; d < Dimension; d++)
        {
            for (int state = 0; state < StateCount; state++)
            {
                double total = 0;
                for (int category = 0; category < _sizes[d]; category++)
                    total += sums[At(d, category, state)] + config.EmissionPrior;
                // A state whose expected count is zero keeps its probabilities.
                for (int category = 0; category < _sizes[d] && total > 0; category++)
                {
                    int at = At(d, category, state);
                    probabilities[at] = (sums[at] + config.EmissionPrior) / total;
                }
            }
        }
        return new ColumnEmissions(StateCount, _sizes, probabilities);
    }

    /// <inheritdoc/>
    public override void SampleValues(int state, ref SplitMix64 random, Span<double> values)
    {
        for (int d = 0; d < Dimension; d++)
        {
            Span<double> weights = new double[_sizes[d]];
            for (int category = 0; category < weights.Length; category++)
                weights[category] = _probabilities[At(d, category, state)];
            values[d] = HmmModel.Sample(weights, ref random);
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ExplanationTable> Explain(Func<int, string> names) =>
    [
        new("emissions", ["state", "column", "value", "probability"],
            [.. from state in Enumerable.Range(0, StateCount)
                from d in Enumerable.Range(0, Dimension)
                from category in Enumerable.Range(0, _sizes[d])
                select (IReadOnlyList<CellValue>)
                [
                    new(state), new(names(d)), new(category), Rounded(_probabilities[At(d, category, state)]),
                ]]),
    ];

    private int At(int column, int category, int state) => ((_offsets[column] + category) * Width) + state;

    /// <summary>Returns the place of a value among the categories of all columns; -1 for an unknown one.</summary>
    private int Category(double value, int column) => value >= 0 && value < _sizes[column] && value == Math.Floor(value)
        ? _offsets[column] + (int)value : -1;
}
