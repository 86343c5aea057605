namespace Atelier.Models.Hmm.Inference;

/// <summary>Expected counts: what the E step adds up and the M step divides.</summary>
internal sealed class HmmStatistics(HmmModel model)
{
    /// <summary>[width]: how often each state began a sequence.</summary>
    public double[] Starts { get; } = new double[model.Chain.Width];

    /// <summary>
    /// [from, width]: how often a state followed another, each divided by the transition's probability.
    /// </summary>
    public double[] Transitions { get; } = new double[model.Chain.Transitions.Length];

    /// <summary>What the emissions add up.</summary>
    public double[] Emissions { get; } = new double[model.Emissions.StatisticsSize];

    /// <summary>The log-likelihood of the sequences, in nats.</summary>
    public double LogLikelihood { get; set; }

    /// <summary>Adds others, in the order that the caller fixes: the same sums on any number of threads.</summary>
    public void Add(HmmStatistics other)
    {
        Sum(Starts, other.Starts);
        Sum(Transitions, other.Transitions);
        Sum(Emissions, other.Emissions);
        LogLikelihood += other.LogLikelihood;
    }

    private static void Sum(double[] sums, double[] others)
    {
        for (int i = 0; i < sums.Length; i++)
            sums[i] += others[i];
    }
}
