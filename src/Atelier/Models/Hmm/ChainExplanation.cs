using System.Globalization;
using Atelier.Abstractions;
using Atelier.Evaluation.Plots;
using Atelier.Models.Hmm.Emissions;

namespace Atelier.Models.Hmm;

/// <summary>
/// Tables and images that explain a Markov chain: its start and transition probabilities, the expected duration of
/// each state, and how often each state occurs.
/// </summary>
/// <param name="names">The states' names.</param>
/// <param name="starts">[state]: the start probabilities.</param>
/// <param name="transitions">[from, to]: the transition probabilities.</param>
/// <param name="ends">[state]: the probability that a sequence ends after the state; a new sequence then begins. Null
/// if sequences have no end.</param>
/// <param name="cancellation">Cancels the operation.</param>
internal sealed class ChainExplanation(IReadOnlyList<string> names, double[] starts, double[] transitions,
    double[]? ends = null, CancellationToken cancellation = default)
{
    private const int ShownFollowers = 6;
    private const int ShownTransitions = 20;
    private const double LeastShown = 5e-4;
    private const int Steps = 1000; // iterations towards the stationary distribution

    /// <summary>[state]: the fraction of time that the chain spends in each state in the long run.</summary>
    public double[] Shares { get; } = LongRun(starts, transitions, ends, cancellation);

    /// <summary>The tables of the explanation.</summary>
    public IReadOnlyList<ExplanationTable> Tables =>
    [
        new("transitions", ["from", "start", "share", "lasts", "next states"], [.. All.Select(StateRow)]),
        new("strongest transitions", ["from", "to", "probability", "share of all"],
            [.. (from i in All
                from j in All
                where i != j && To(i, j) >= LeastShown
                orderby Shares[i] * To(i, j) descending
                select TransitionRow(i, j)).Take(ShownTransitions)]),
        new("transition probabilities", ["from", "to", "probability"],
            [.. from i in All
                from j in All
                where To(i, j) > 0
                select (IReadOnlyList<CellValue>)[new(names[i]), new(names[j]), new(To(i, j))]])
        {
            ForPrograms = true,
        },
    ];

    /// <summary>The transition matrix, with the start probabilities as its first row.</summary>
    public ExplainedMatrix Matrix => new(["start", .. names], ends is null ? [.. names] : [.. names, "end"],
        [ends is null ? starts : [.. starts, 0], .. All.Select(Row)]);

    private IEnumerable<int> All => Enumerable.Range(0, names.Count);

    /// <summary>Explains a hidden Markov model whose states have numbers for names.</summary>
    /// <param name="model">The model.</param>
    /// <param name="summary">One sentence about the model.</param>
    /// <param name="emitted">Returns the name of a symbol or of a column.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static Explanation Of(HmmModel model, string summary, Func<int, string> emitted,
        CancellationToken cancellation = default)
    {
        int states = model.StateCount;
        string[] names = [.. Enumerable.Range(0, states).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        double[] transitions = Padding.Remove(model.Chain.Transitions, states, model.Chain.Width);
        var chain = new ChainExplanation(names, model.Chain.Start[..states], transitions, ends: null, cancellation);
        return new Explanation(summary, [.. model.Emissions.Explain(emitted), .. chain.Tables], chain.Pictures())
        {
            Transitions = chain.Matrix,
        };
    }

    /// <summary>The transition matrix, with the start probabilities as its first row, as SVG and PNG.</summary>
    public IReadOnlyList<ExplanationImage> Pictures()
    {
        cancellation.ThrowIfCancellationRequested();
        ExplainedMatrix matrix = Matrix;
        var image = new HeatMap("transition probabilities: from rows to columns", matrix.Rows, matrix.Columns,
            matrix.Cells) { SeparatesFirstRow = true };
        return [new("transitions.svg", image.Svg()), new("transitions.png", image.Png())];
    }

    private double[] Row(int i)
    {
        Span<double> row = transitions.AsSpan(i * names.Count, names.Count);
        return ends is null ? [.. row] : [.. row, ends[i]];
    }

    private CellValue[] StateRow(int state)
    {
        IEnumerable<string> followers = All.Where(j => To(state, j) >= LeastShown)
            .OrderByDescending(j => To(state, j))
            .Take(ShownFollowers)
            .Select(j => string.Create(CultureInfo.InvariantCulture, $"{names[j]} {To(state, j):0.000}"));
        return
        [
            new(names[state]), Rounded(starts[state]), Rounded(Shares[state]), Duration(state),
            new(string.Join("  ", followers)),
        ];
    }

    private CellValue[] TransitionRow(int from, int to) =>
        [new(names[from]), new(names[to]), Rounded(To(from, to)), Rounded(Shares[from] * To(from, to))];

    private static CellValue Rounded(double value) => new(Math.Round(value, 4));

    private double To(int from, int to) => transitions[(from * names.Count) + to];

    /// <summary>
    /// The expected number of steps in a state once it is reached, 1 / (1 − a_ii) (Rabiner 1989, eq. 5b).
    /// </summary>
    private CellValue Duration(int state) =>
        To(state, state) < 1 ? new(Math.Round(1 / (1 - To(state, state)), 2)) : new("forever");

    /// <summary>
    /// The average of the distributions over the later half of many steps. The average converges for periodic chains
    /// too.
    /// </summary>
    private static double[] LongRun(double[] starts, double[] transitions, double[]? ends,
        CancellationToken cancellation)
    {
        int states = starts.Length;
        double[] current = starts, mean = new double[states];
        for (int step = 0; step < Steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            double[] next = new double[states];
            for (int i = 0; i < states; i++)
            {
                for (int j = 0; j < states; j++)
                    next[j] += current[i] * (transitions[(i * states) + j] + ((ends?[i] ?? 0) * starts[j]));
            }
            current = next;
            for (int i = 0; step >= Steps / 2 && i < states; i++)
                mean[i] += current[i] / (Steps - (Steps / 2));
        }
        return mean;
    }
}
