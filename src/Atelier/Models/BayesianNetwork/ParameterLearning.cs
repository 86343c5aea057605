using Atelier.Models.BayesianNetwork.Structure;

namespace Atelier.Models.BayesianNetwork;

/// <summary>
/// Learns the tables of a given structure: by counting, and by expectation maximisation where values are missing.
/// </summary>
internal static class ParameterLearning
{
    /// <summary>
    /// Tables of complete rows: (count + α) / (count of the row + states · α), α = N′ / cells (Heckerman, Geiger and
    /// Chickering 1995); rows never seen without a prior are even.
    /// </summary>
    /// <param name="data">Rows without missing values.</param>
    /// <param name="graph">The structure.</param>
    /// <param name="equivalentSampleSize">N′, the imagined rows of the prior; 0 gives maximum likelihood.</param>
    public static DiscreteNetwork Count(DiscreteData data, DirectedGraph graph, double equivalentSampleSize)
    {
        var counter = new FamilyCounter(data);
        return Network(data.Variables, graph, equivalentSampleSize, [.. Enumerable.Range(0, graph.Count).Select(child =>
        {
            int[] family = [.. graph.Parents(child), child];
            var counts = new int[TableSize(data.Variables, family)];
            counter.Count(family, counts);
            return Array.ConvertAll(counts, n => (double)n);
        })]);
    }

    /// <summary>The tables that counts, whole or expected, give.</summary>
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

    /// <summary>Number of cells of a table.</summary>
    /// <exception cref="AtelierException">More than fit into an array.</exception>
    public static int TableSize(IReadOnlyList<Variable> variables, ReadOnlySpan<int> family)
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
