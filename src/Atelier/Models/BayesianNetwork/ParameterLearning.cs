using Atelier.Models.BayesianNetwork.Structure;

namespace Atelier.Models.BayesianNetwork;

/// <summary>
/// Computes the conditional probability tables of a given structure from counts.
/// </summary>
internal static class ParameterLearning
{
    /// <summary>
    /// Learns the tables from complete rows: (count + α) / (count of the table's row + states · α), α = N′ / cells
    /// (Heckerman, Geiger and Chickering 1995). Without a prior, rows of a table that have no counts are uniform.
    /// </summary>
    /// <param name="data">Rows without missing values.</param>
    /// <param name="graph">The structure.</param>
    /// <param name="equivalentSampleSize">N′, the equivalent sample size of the prior; 0 gives maximum
    /// likelihood.</param>
    public static DiscreteNetwork Count(DiscreteData data, DirectedGraph graph, double equivalentSampleSize)
    {
        var counter = new FamilyCounter(data);
        double[][] counts = [.. Enumerable.Range(0, graph.Count)
            .Select(child => Counts(counter, [.. graph.Parents(child), child]))];
        return Network(data.Variables, graph, equivalentSampleSize, counts);
    }

    /// <summary>Counts the combinations of states of a variable and its parents, laid out as its table.</summary>
    /// <param name="counter">Counts the rows.</param>
    /// <param name="family">The parents, then the variable.</param>
    /// <exception cref="AtelierException">The table would be too large.</exception>
    public static double[] Counts(FamilyCounter counter, int[] family)
    {
        var counts = new int[TableSize(counter.Data.Variables, family)];
        counter.Count(family, counts);
        return Array.ConvertAll(counts, n => (double)n);
    }

    /// <summary>
    /// Creates a network from counts, which may be expected ones; their arrays become the tables.
    /// </summary>
    public static DiscreteNetwork Network(IReadOnlyList<Variable> variables, DirectedGraph graph,
        double equivalentSampleSize, double[][] counts)
    {
        for (int child = 0; child < counts.Length; child++)
        {
            double[] table = counts[child];
            int states = variables[child].States.Count;
            double prior = equivalentSampleSize / table.Length;
            for (int start = 0; start < table.Length; start += states)
            {
                Span<double> row = table.AsSpan(start, states);
                double sum = 0;
                foreach (ref double count in row)
                    sum += count += prior;
                foreach (ref double count in row)
                    count = sum > 0 ? count / sum : 1.0 / states;
            }
        }
        return new DiscreteNetwork(variables, graph, counts);
    }

    private static int TableSize(IReadOnlyList<Variable> variables, ReadOnlySpan<int> family)
    {
        const double MostCells = 1 << 26;
        double cells = 1;
        foreach (int member in family)
            cells *= variables[member].States.Count;
        return cells <= MostCells ? (int)cells : throw new AtelierException(
            FormattableString.Invariant($"the table of {variables[family[^1]].Name} would have {cells:0.#e+0} cells"),
            "model.edges", "give it fewer parents, or variables with fewer states");
    }
}
