namespace Atelier.Models.Hmm.Inference;

/// <summary>The expected counts that the E step computes and the M step normalises.</summary>
/// <param name="model">The model, which sets the sizes.</param>
internal sealed class HmmStatistics(HmmModel model)
{
    /// <summary>[width]: the expected number of sequences that start in each state.</summary>
    public double[] Starts { get; } = new double[model.Chain.Width];

    /// <summary>
    /// [from, width]: the expected number of transitions, each divided by the transition's probability.
    /// </summary>
    public double[] Transitions { get; } = new double[model.Chain.Transitions.Length];

    /// <summary>The sufficient statistics of the emissions.</summary>
    public double[] Emissions { get; } = new double[model.Emissions.StatisticsSize];

    /// <summary>The log-likelihood of the sequences, in nats.</summary>
    public double LogLikelihood { get; set; }

    /// <summary>
    /// Adds the counts of other sequences. Callers add in a fixed order, so that the sums do not depend on the number
    /// of threads.
    /// </summary>
    public void Add(HmmStatistics other)
    {
        Sum(Starts, other.Starts);
        Sum(Transitions, other.Transitions);
        Sum(Emissions, other.Emissions);
        LogLikelihood += other.LogLikelihood;
    }

    /// <summary>Returns all numbers, for <see cref="Of"/>.</summary>
    public double[] ToArray() => [.. Starts, .. Transitions, .. Emissions, LogLikelihood];

    /// <summary>Creates the counts from the numbers of <see cref="ToArray"/>.</summary>
    public static HmmStatistics Of(HmmModel model, ReadOnlySpan<double> numbers)
    {
        var counts = new HmmStatistics(model) { LogLikelihood = numbers[^1] };
        foreach (double[] part in (double[][])[counts.Starts, counts.Transitions, counts.Emissions])
        {
            numbers[..part.Length].CopyTo(part);
            numbers = numbers[part.Length..];
        }
        return counts;
    }

    private static void Sum(double[] sums, double[] others)
    {
        for (int i = 0; i < sums.Length; i++)
            sums[i] += others[i];
    }
}
