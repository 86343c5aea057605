namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Approximate answers where exact ones are too large: rows are drawn with the evidence set from outside, and each counts
/// as much as it makes the evidence likely (Fung and Chang 1989; Shachter and Peot 1989).
/// </summary>
public sealed class LikelihoodWeighting
{
    private readonly DiscreteNetwork _network;
    private readonly double[] _weights;

    private LikelihoodWeighting(DiscreteNetwork network, byte[][] columns, double[] weights)
    {
        (_network, Columns, _weights) = (network, columns, weights);
        double sum = weights.Sum();
        EffectiveSampleSize = sum * sum / weights.Sum(w => w * w);
    }

    /// <summary>The rows drawn, [variable][row].</summary>
    public IReadOnlyList<byte[]> Columns { get; }

    /// <summary>What each row counts; the greatest is 1.</summary>
    public IReadOnlyList<double> Weights => _weights;

    /// <summary>How many unweighted rows would tell as much (Kish 1965): (∑w)² / ∑w².</summary>
    public double EffectiveSampleSize { get; }

    /// <summary>Draws weighted rows.</summary>
    /// <param name="network">The network.</param>
    /// <param name="evidence">The state of each observed variable.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="seed">What every draw follows from.</param>
    /// <exception cref="AtelierException">No row drawn makes the evidence possible.</exception>
    public static LikelihoodWeighting Draw(DiscreteNetwork network, IReadOnlyDictionary<int, int> evidence, int rows, long seed)
    {
        byte[][] columns = new AncestralSampler(network.Do(evidence)).Draw(rows, seed);
        var logs = new double[rows];
        Span<byte> states = stackalloc byte[columns.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < columns.Length; i++)
                states[i] = columns[i][row];
            foreach ((int variable, int state) in evidence)
                logs[row] += Math.Log(network.Distribution(variable, states)[state]);
        }
        double greatest = logs.Max();
        if (double.IsNegativeInfinity(greatest))
            throw Evidence.Impossible(network, evidence);
        return new(network, columns, [.. logs.Select(l => Math.Exp(l - greatest))]);
    }

    /// <summary>An estimate of P(x | e) of one variable.</summary>
    public double[] Marginal(int variable)
    {
        var distribution = new double[_network.StatesOf(variable)];
        byte[] column = Columns[variable];
        for (int row = 0; row < column.Length; row++)
            distribution[column[row]] += _weights[row];
        double sum = distribution.Sum();
        return [.. distribution.Select(p => p / sum)];
    }

    /// <summary>Rows drawn again in proportion to their weights.</summary>
    public int[] Resample(int count, long seed)
    {
        double[] sums = new double[_weights.Length];
        double sum = 0;
        for (int row = 0; row < sums.Length; row++)
            sums[row] = sum += _weights[row];
        var random = new SplitMix64((ulong)seed);
        var rows = new int[count];
        for (int i = 0; i < count; i++)
        {
            int at = Array.BinarySearch(sums, random.NextDouble() * sum);
            rows[i] = Math.Min(at < 0 ? ~at : at + 1, sums.Length - 1);
        }
        return rows;
    }
}
