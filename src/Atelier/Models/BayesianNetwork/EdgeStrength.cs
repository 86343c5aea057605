using Atelier.Models.BayesianNetwork.Inference;

namespace Atelier.Models.BayesianNetwork;

/// <summary>How informative an edge is.</summary>
/// <param name="Parent">Where it begins.</param>
/// <param name="Child">Where it ends.</param>
/// <param name="Information">I(child; parent | the child's other parents) in nats: what knowing the parent takes from
/// the surprise at the child.</param>
internal readonly record struct EdgeStrength(int Parent, int Child, double Information)
{
    /// <summary>All edges of a network, the strongest first.</summary>
    public static IReadOnlyList<EdgeStrength> Of(NetworkInference inference, CancellationToken cancellation = default)
    {
        DiscreteNetwork network = inference.Network;
        double[][] families = inference.Families(cancellation);
        return [.. network.Graph.Edges
            .Select(edge =>
                new EdgeStrength(edge.Parent, edge.Child,
                Measure(network, families[edge.Child], edge.Parent, edge.Child)))
            .OrderByDescending(e => e.Information)];
    }

    // ∑ P(z, y, x) ln P(x | y, z) / P(x | z), with y the parent and z the others.
    private static double Measure(DiscreteNetwork network, double[] joint, int parent, int child)
    {
        IReadOnlyList<int> parents = network.Graph.Parents(child);
        int place = Array.IndexOf([.. parents], parent), states = network.StatesOf(child),
            values = network.StatesOf(parent);
        int inner = parents.Skip(place + 1).Aggregate(1, (product, p) => product * network.StatesOf(p));
        double sum = 0;
        for (int row = 0; row < joint.Length / states; row++)
        {
            int others = (row / (inner * values) * inner) + (row % inner); // the row without this parent
            double ofRow = 0, ofOthers = 0;
            for (int x = 0; x < states; x++)
                ofRow += joint[(row * states) + x];
            for (int y = 0; y < values; y++)
                for (int x = 0; x < states; x++)
                    ofOthers += joint[(RowOf(others, y) * states) + x];
            for (int x = 0; x < states; x++)
            {
                double p = joint[(row * states) + x];
                if (p <= 0)
                    continue;
                double without = 0;
                for (int y = 0; y < values; y++)
                    without += joint[(RowOf(others, y) * states) + x];
                sum += p * Math.Log(p / ofRow / (without / ofOthers));
            }
        }
        return Math.Max(0, sum);

        int RowOf(int others, int y) => (((others / inner * values) + y) * inner) + (others % inner);
    }
}
