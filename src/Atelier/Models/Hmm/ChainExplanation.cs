using System.Globalization;
using Atelier.Abstractions;
using Atelier.Models.Hmm.Emissions;

namespace Atelier.Models.Hmm;

/// <summary>
/// A chain of states as people see it: where it begins, what follows what, how long a state lasts and how often it
/// comes.
/// </summary>
/// <param name="names">The states' names.</param>
/// <param name="starts">[state].</param>
/// <param name="transitions">[from, to].</param>
/// <param name="ends">[state]: the probability that the chain ends after it, and begins again; null if it never
/// ends.</param>
/// <param name="cancellation">Cancels the operation.</param>
internal sealed class ChainExplanation(IReadOnlyList<string> names, double[] starts, double[] transitions,
    double[]? ends = null, CancellationToken cancellation = default)
{
    private const int ShownFollowers = 6;
    private const int ShownTransitions = 20;
    private const double LeastShown = 5e-4;
    private const int Steps = 1000; // of the chain, towards its long run

    /// <summary>[state]: how often it comes in the long run.</summary>
    public double[] Shares { get; } = LongRun(starts, transitions, ends, cancellation);

    /// <summary>The tables.</summary>
    public IReadOnlyList<ExplanationTable> Tables =>
    [
        new("transitions", ["from", "start", "share", "lasts", "next states"],
            [.. All.Select(i => (IReadOnlyList<CellValue>)
        [
            new CellValue(names[i]), Rounded(starts[i]), Rounded(Shares[i]), Duration(i),
            new CellValue(string.Join("  ", All.Where(j => To(i, j) >= LeastShown).OrderByDescending(j => To(i, j))
                .Take(ShownFollowers)
                .Select(j => string.Create(CultureInfo.InvariantCulture, $"{names[j]} {To(i, j):0.000}")))),
        ])]),
        new("strongest transitions", ["from", "to", "probability", "share of all"],
            [.. (from i in All from j in All where i != j && To(i, j) >= LeastShown
            orderby Shares[i] * To(i, j) descending select (IReadOnlyList<CellValue>)[new CellValue(names[i]),
                new CellValue(names[j]), Rounded(To(i, j)), Rounded(Shares[i] * To(i, j))]).Take(ShownTransitions)]),
        new("transition probabilities", ["from", "to", "probability"],
            [.. from i in All from j in All where To(i, j) > 0
            select (IReadOnlyList<CellValue>)[new CellValue(names[i]), new CellValue(names[j]),
                new CellValue(To(i, j))]]) { ForPrograms = true },
    ];

    private IEnumerable<int> All => Enumerable.Range(0, names.Count);

    /// <summary>Explains a model of numbered states.</summary>
    /// <param name="model">The model.</param>
    /// <param name="summary">In a sentence.</param>
    /// <param name="emitted">The names of symbols or columns.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static Explanation Of(HmmModel model, string summary, Func<int, string> emitted,
        CancellationToken cancellation = default)
    {
        int states = model.StateCount;
        var chain = new ChainExplanation([.. Enumerable.Range(0, states)
            .Select(i => i.ToString(CultureInfo.InvariantCulture))],
            model.Chain.Start[..states], Padding.Remove(model.Chain.Transitions, states, model.Chain.Width), ends: null,
            cancellation);
        return new Explanation(summary, [.. model.Emissions.Explain(emitted), .. chain.Tables], chain.Pictures());
    }

    /// <summary>The matrix of transitions, with the starts above it, as SVG and PNG.</summary>
    public IReadOnlyList<ExplanationImage> Pictures()
    {
        string[] columns = ends is null ? [.. names] : [.. names, "end"];
        double[][] rows = [ends is null ? starts : [.. starts, 0],
            .. All.Select(i =>
            (double[])[.. transitions.AsSpan(i * names.Count, names.Count), .. ends is null ? []
            : (double[])[ends[i]]])];
        cancellation.ThrowIfCancellationRequested();
        var picture = new TransitionImage(["start", .. names], columns, rows);
        return [new("transitions.svg", picture.Svg()), new("transitions.png", picture.Png())];
    }

    private static CellValue Rounded(double value) => new(Math.Round(value, 4));

    private double To(int from, int to) => transitions[(from * names.Count) + to];

    /// <summary>
    /// The expected number of steps in a state once it is reached, 1 / (1 − a_ii) (Rabiner 1989, eq. 5b).
    /// </summary>
    private CellValue Duration(int state) =>
        To(state, state) < 1 ? new(Math.Round(1 / (1 - To(state, state)), 2)) : new("forever");

    /// <summary>
    /// The mean of the distributions over the last steps of many: also where a chain goes round in circles.
    /// </summary>
    private static double[] LongRun(double[] starts, double[] transitions, double[]? ends,
        CancellationToken cancellation)
    {
        int states = starts.Length;
        double[] now = starts, mean = new double[states];
        for (int step = 0; step < Steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            double[] next = new double[states];
            for (int i = 0; i < states; i++)
            {
                for (int j = 0; j < states; j++)
                    next[j] += now[i] * (transitions[(i * states) + j] + ((ends?[i] ?? 0) * starts[j]));
            }
            now = next;
            for (int i = 0; step >= Steps / 2 && i < states; i++)
                mean[i] += now[i] / (Steps - (Steps / 2));
        }
        return mean;
    }
}
