using System.Globalization;
using Atelier.Abstractions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm.Emissions;

/// <summary>Categorical emissions: each state has a probability for each symbol.</summary>
internal sealed class CategoricalEmissions : HmmEmissions
{
    private const int Shown = 10;
    private const double LeastShown = 5e-4;

    private readonly double[] _probabilities; // [symbol, width]
    private readonly double[] _scaled; // [symbol, width]: each row divided by its largest probability
    private readonly double[] _logLargest; // [symbol]: the logarithms of the largest probabilities
    private readonly Lazy<double[]> _logScaled; // the logarithms of _scaled

    /// <summary>Creates emissions from their probabilities.</summary>
    /// <param name="stateCount">The number of hidden states.</param>
    /// <param name="probabilities">[symbol, width]: each column of a state sums to 1, the padding is zero.</param>
    public CategoricalEmissions(int stateCount, double[] probabilities) : base(stateCount)
    {
        _probabilities = probabilities;
        SymbolCount = probabilities.Length / Width;
        double[] scaled = _scaled = new double[probabilities.Length];
        _logScaled = new(() => Array.ConvertAll(scaled, Math.Log));
        _logLargest = new double[SymbolCount];
        for (int symbol = 0; symbol < SymbolCount; symbol++)
        {
            ReadOnlySpan<double> row = Row(symbol);
            double largest = 0;
            foreach (double probability in row)
                largest = Math.Max(largest, probability);
            _logLargest[symbol] = Math.Log(largest);
            for (int state = 0; state < StateCount && largest > 0; state++)
                _scaled[(symbol * Width) + state] = row[state] / largest;
        }
    }

    /// <summary>The number of different symbols.</summary>
    public int SymbolCount { get; }

    /// <inheritdoc/>
    public override long FreeParameters => (long)StateCount * (SymbolCount - 1);

    /// <inheritdoc/>
    public override long StatisticsSize => _probabilities.Length;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, (double[] Values, long[] Shape)> Tensors =>
        new Dictionary<string, (double[], long[])>
        {
            ["emissions"] = (Padding.Remove(_probabilities, StateCount, Width), [SymbolCount, StateCount]),
        };

    /// <summary>[width]: the probability of a symbol in each state.</summary>
    public ReadOnlySpan<double> Row(int symbol) => _probabilities.AsSpan(symbol * Width, Width);

    /// <inheritdoc/>
    public override unsafe double Likelihoods(HmmSequence sequence, int from, int count, double* likelihoods) =>
        Rows(_scaled, sequence, from, count, likelihoods);

    /// <inheritdoc/>
    public override unsafe double LogLikelihoods(HmmSequence sequence, int from, int count, double* logs) =>
        Rows(_logScaled.Value, sequence, from, count, logs);

    private unsafe double Rows(double[] rows, HmmSequence sequence, int from, int count, double* likelihoods)
    {
        double logs = 0;
        fixed (double* table = rows)
        {
            foreach (int symbol in sequence.Symbols.Span.Slice(from, count))
            {
                HmmKernels.Scale(table + ((long)symbol * Width), 1, likelihoods, Width);
                likelihoods += Width;
                logs += _logLargest[symbol];
            }
        }
        return logs;
    }

    /// <inheritdoc/>
    public override unsafe void Accumulate(HmmSequence sequence, int from, int count, double* posteriors, double[] sums)
    {
        fixed (double* counts = sums)
        {
            foreach (int symbol in sequence.Symbols.Span.Slice(from, count))
            {
                HmmKernels.Add(posteriors, counts + ((long)symbol * Width), Width);
                posteriors += Width;
            }
        }
    }

    /// <inheritdoc/>
    public override HmmEmissions Maximise(double[] sums, HmmConfig config)
    {
        double[] totals = new double[StateCount];
        for (int symbol = 0; symbol < SymbolCount; symbol++)
        {
            for (int state = 0; state < StateCount; state++)
                totals[state] += sums[(symbol * Width) + state] + config.EmissionPrior;
        }
        double[] probabilities = new double[sums.Length];
        for (int symbol = 0; symbol < SymbolCount; symbol++)
        {
            for (int state = 0; state < StateCount; state++)
            {
                int at = (symbol * Width) + state;
                // A state whose expected count is zero keeps its probabilities.
                probabilities[at] = totals[state] > 0 ? (sums[at] + config.EmissionPrior) / totals[state]
                    : _probabilities[at];
            }
        }
        return new CategoricalEmissions(StateCount, probabilities);
    }

    /// <inheritdoc/>
    public override int SampleSymbol(int state, ref SplitMix64 random)
    {
        double left = random.NextDouble();
        int last = 0;
        for (int symbol = 0; symbol < SymbolCount; symbol++)
        {
            double probability = _probabilities[(symbol * Width) + state];
            if (probability <= 0)
                continue;
            last = symbol;
            if ((left -= probability) < 0)
                break;
        }
        return last;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ExplanationTable> Explain(Func<int, string> names)
    {
        double Probability(int state, int symbol) => _probabilities[(symbol * Width) + state];
        int[] states = [.. Enumerable.Range(0, StateCount)];
        int[][] ordered = [.. states.Select(state =>
            Enumerable.Range(0, SymbolCount).OrderByDescending(symbol => Probability(state, symbol)).ToArray())];
        string Likeliest(int state) => string.Join("  ", ordered[state].Take(Shown)
            .Where(symbol => Probability(state, symbol) >= LeastShown)
            .Select(symbol => string.Create(CultureInfo.InvariantCulture,
                $"{Visible(names(symbol))} {Probability(state, symbol):0.000}")));
        return
        [
            new("emissions", ["state", "most likely symbols"],
                [.. states.Select(state => (IReadOnlyList<CellValue>)[new(state), new(Likeliest(state))])]),
            new("emission probabilities", ["state", "symbol", "probability"],
                [.. from state in states
                    from symbol in ordered[state]
                    where Probability(state, symbol) >= LeastShown
                    select (IReadOnlyList<CellValue>)[new(state), new(names(symbol)), new(Probability(state, symbol))]])
            {
                ForPrograms = true,
            },
        ];
    }

    private static string Visible(string name) =>
        string.Concat(name.Select(c => c switch { ' ' => '␣', '\n' => '⏎', '\t' => '⇥', _ => c }));
}

/// <summary>Adds padding to the rows of matrices and removes it.</summary>
internal static class Padding
{
    /// <summary>Removes the padding: [rows, width] → [rows, states].</summary>
    public static double[] Remove(double[] padded, int states, int width)
    {
        double[] plain = new double[padded.Length / width * states];
        for (int row = 0; row < padded.Length / width; row++)
            padded.AsSpan(row * width, states).CopyTo(plain.AsSpan(row * states));
        return plain;
    }

    /// <summary>Pads each row with zeros: [rows, states] → [rows, width].</summary>
    public static double[] Add(ReadOnlySpan<double> plain, int states, int width)
    {
        double[] padded = new double[plain.Length / states * width];
        for (int row = 0; row < plain.Length / states; row++)
            plain.Slice(row * states, states).CopyTo(padded.AsSpan(row * width));
        return padded;
    }
}
