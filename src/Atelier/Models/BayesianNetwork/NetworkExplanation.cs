using Atelier.Abstractions;
using Atelier.Models.BayesianNetwork.Inference;
using Atelier.Models.BayesianNetwork.Pictures;
using Atelier.Models.BayesianNetwork.Structure;

namespace Atelier.Models.BayesianNetwork;

/// <summary>Explains a network by its strongest edges, its tables, and images of both.</summary>
internal static class NetworkExplanation
{
    private const int ShownEdges = 30;
    private const int ShownVariables = 20; // larger networks show their tables as images only
    private const int ShownRows = 32;

    /// <summary>Explains a network.</summary>
    /// <param name="inference">The inference on the network, from which the strengths of edges come.</param>
    /// <param name="config">The configuration, whose reference structure is compared with the network.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static Explanation Of(NetworkInference inference, BayesianNetworkConfig config,
        CancellationToken cancellation)
    {
        DiscreteNetwork network = inference.Network;
        IReadOnlyList<EdgeStrength> edges = EdgeStrength.Of(inference, cancellation);
        string summary = $"{Quantity.Of(network.Variables.Count, "variable")}, {Quantity.Of(edges.Count, "edge")}, "
            + $"{network.ParameterCount} free parameters; queries are answered {inference.Method}"
            + (inference.HasExactFamilies ? ""
                : $"; the strength of edges is estimated from {NetworkInference.SampledRows} sampled rows");
        var tables = new List<ExplanationTable>
        {
            new("strongest edges", ["parent", "child", "nats"], [.. edges.Take(ShownEdges).Select(e =>
                (CellValue[])[new(network.Variables[e.Parent].Name), new(network.Variables[e.Child].Name),
                    new(Math.Round(e.Information, 4))])]),
        };
        if (Distance(network, config) is { } distance)
            tables.Add(DistanceTable(distance));
        if (network.Variables.Count <= ShownVariables)
            tables.AddRange(network.Variables.Select((_, i) => TableOf(network, i)));
        return new Explanation(summary, tables, Pictures(network, edges, cancellation))
        {
            Graph = new ExplainedGraph([.. network.Variables.Select(variable => variable.Name)],
                [.. edges.Select(edge => new ExplainedEdge(edge.Parent, edge.Child, edge.Information))]),
        };
    }

    /// <summary>The distance from the recipe's reference structure; null if there is none.</summary>
    public static StructureDistance? Distance(DiscreteNetwork network, BayesianNetworkConfig config)
    {
        if (config.CompareWith.Count == 0)
            return null;
        string[] names = [.. network.Variables.Select(v => v.Name)];
        var reference = DirectedGraph.Of(EdgeList.Parse(config.CompareWith, names, "model.compareWith"), names);
        return StructureDistance.Between(reference, network.Graph);
    }

    /// <summary>Images of the network and of each table, as SVG and PNG.</summary>
    public static IReadOnlyList<ExplanationImage> Pictures(DiscreteNetwork network, IReadOnlyList<EdgeStrength> edges,
        CancellationToken cancellation = default)
    {
        var image = new NetworkImage(network, edges);
        var images = new List<ExplanationImage> { new("network.svg", image.Svg()), new("network.png", image.Png()) };
        for (int i = 0; i < network.Variables.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var table = new TableImage(network, i);
            string name = string.Concat(network.Variables[i].Name
                .Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' ? c : '_'));
            images.Add(new($"table-{name}.svg", table.Svg()));
            images.Add(new($"table-{name}.png", table.Png()));
        }
        return images;
    }

    private static ExplanationTable DistanceTable(StructureDistance distance)
    {
        (string Name, int Edges)[] figures =
        [
            ("with the right direction", distance.Right), ("reversed", distance.Reversed),
            ("missing", distance.Missing), ("extra", distance.Extra), ("structural Hamming distance", distance.Hamming),
            ("of the equivalence classes", distance.ClassHamming),
        ];
        return new("distance from model.compareWith", ["figure", "edges"],
            [.. figures.Select(f => (CellValue[])[new(f.Name), new(f.Edges)])]);
    }

    private static ExplanationTable TableOf(DiscreteNetwork network, int variable)
    {
        IReadOnlyList<int> parents = network.Graph.Parents(variable);
        int states = network.StatesOf(variable);
        string given = parents.Count == 0 ? ""
            : $" | {string.Join(", ", parents.Select(p => network.Variables[p].Name))}";
        return new($"P({network.Variables[variable].Name}{given})",
            [.. parents.Select(p => network.Variables[p].Name),
                .. network.Variables[variable].States.Select(s => $"{network.Variables[variable].Name}={s}")],
            [.. Enumerable.Range(0, Math.Min(ShownRows, network.RowsOf(variable))).Select(row => (CellValue[])
            [
                .. BifFile.StatesAt(network, parents, row).Select(s => new CellValue(s)),
                .. network.Table(variable).Slice(row * states, states).ToArray()
                    .Select(p => new CellValue(Math.Round(p, 4))),
            ])]);
    }
}
