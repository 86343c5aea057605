using Atelier.Models.BayesianNetwork;
using Atelier.Models.BayesianNetwork.Inference;
using Atelier.Models.BayesianNetwork.Structure;

namespace Atelier.Benchmarks;

/// <summary>
/// How the cost of Bayesian networks grows with rows and with variables, as pictures on logarithmic axes.
/// </summary>
internal static class NetworkCost
{
    private const int RowsOfVariables = 5_000;
    private const int Window = 8; // a variable's parents are among so many before it: a long network stays narrow

    private static readonly int[] RowCounts = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
    private static readonly int[] VariableCounts = [10, 20, 40, 80, 160, 320];

    /// <summary>
    /// Measures, prints a line a point, and draws docs/images/network-rows.png and network-variables.png.
    /// </summary>
    public static void Draw(string folder)
    {
        DiscreteNetwork alarm = BifFile.Read(BenchmarkData.Find("networks", "alarm.bif.gz"));
        var byRows = new Curves("rows of ALARM (37 variables)");
        foreach (int rows in RowCounts)
        {
            var sampler = new RowSampler(alarm);
            DiscreteData data = new(alarm.Variables, sampler.Sample(rows, 1));
            byRows.Measure("draw", rows, () => sampler.Sample(rows, 2));
            byRows.Measure("tables at the true graph", rows, () => ParameterTables(data, alarm.Graph));
            byRows.Measure("Chow-Liu", rows, () => Learn(data, StructureName.ChowLiu));
            byRows.Measure("hill climbing, first summit", rows, () => Learn(data, StructureName.HillClimbing));
            if (rows <= 100_000)
                byRows.Measure("PC", rows, () => Learn(data, StructureName.Pc));
        }
        byRows.Save(Path.Combine(folder, "network-rows.png"));

        var byVariables = new Curves($"variables ({RowsOfVariables:N0} rows)");
        foreach (int count in VariableCounts)
        {
            DiscreteNetwork network = Random(count);
            DiscreteData data = new(network.Variables, new RowSampler(network).Sample(RowsOfVariables, 1));
            byVariables.Measure("Chow-Liu", count, () => Learn(data, StructureName.ChowLiu));
            byVariables.Measure("hill climbing, first summit", count, () => Learn(data, StructureName.HillClimbing));
            byVariables.Measure("compile a junction tree", count, () => JunctionTree.Compile(network));
            var calibration = new Calibration(JunctionTree.Compile(network));
            byVariables.Measure("one query", count, () => Ask(calibration, network, data));
        }
        byVariables.Save(Path.Combine(folder, "network-variables.png"));
    }

    private static DirectedGraph Learn(DiscreteData data, StructureName structure) =>
        StructureLearning.Learn(data, new BayesianNetworkConfig { Structure = structure, TabuLength = 0, Restarts = 0 },
            1);

    private static LearnedNetwork ParameterTables(DiscreteData data, DirectedGraph graph) =>
        NetworkLearning.Learn(data, new BayesianNetworkConfig
    {
        Structure = StructureName.Given,
            Edges = [.. graph.Edges.Select(e => $"{data.Variables[e.Parent].Name}->{data.Variables[e.Child].Name}")],
    }, 1);

    private static double Ask(Calibration calibration, DiscreteNetwork network, DiscreteData data)
    {
        Span<double> distribution = stackalloc double[2];
        calibration.Set(new Dictionary<int, int> { [0] = data.Columns[0][0], [network.Variables.Count - 1] =
            data.Columns[^1][0] });
        calibration.Marginal(network.Variables.Count / 2, distribution);
        return distribution[0];
    }

    private static DiscreteNetwork Random(int count)
    {
        var random = new SplitMix64(11);
        Variable[] variables = [.. Enumerable.Range(0, count).Select(i => new Variable($"V{i}", ["a", "b"]))];
        int[][] parents = [.. Enumerable.Range(0, count)
            .Select(i => Enumerable.Range(Math.Max(0, i - Window), Math.Min(i, Window)).Where(_ => random.Next(5) == 0)
            .Take(3).ToArray())];
        double[][] tables = [.. parents.Select(p => Enumerable.Range(0, 1 << p.Length).SelectMany(_ =>
        {
            double share = random.NextDouble();
            return (double[])[share, 1 - share];
        }).ToArray())];
        return new DiscreteNetwork(variables, new DirectedGraph(parents, [.. variables.Select(v => v.Name)]), tables);
    }
}
