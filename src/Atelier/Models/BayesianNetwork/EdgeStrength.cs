using Atelier.Models.BayesianNetwork.Inference;

namespace Atelier.Models.BayesianNetwork;

/// <summary>The strength of an edge.</summary>
/// <param name="Parent">The parent.</param>
/// <param name="Child">The child.</param>
/// <param name="Information">The conditional mutual information I(child; parent | the child's other parents) in nats:
/// how much knowing the parent reduces the entropy of the child.</param>
internal readonly record struct EdgeStrength(int Parent, int Child, double Information)
{
    /// <summary>Computes the strengths of all edges of a network, the strongest first.</summary>
    public static IReadOnlyList<EdgeStrength> Of(NetworkInference inference, CancellationToken cancellation = default)
    {
        DiscreteNetwork network = inference.Network;
        double[][] families = inference.Families(cancellation);
        return [.. network.Graph.Edges
            .Select(e => new EdgeStrength(e.Parent, e.Child, Measure(network, families[e.Child], e.Parent, e.Child)))
            .OrderByDescending(e => e.Information)];
    }

    // ∑ P(z, y, x) ln P(x | y, z) / P(x | z), where x is the child, y the parent and z the other parents
    private static double Measure(DiscreteNetwork network, double[] joint, int parent, int child)
    {
        IReadOnlyList<int> parents = network.Graph.Parents(child);
        int place = Array.IndexOf([.. parents], parent);
        int states = network.StatesOf(child), values = network.StatesOf(parent);
        int inner = parents.Skip(place + 1).Aggregate(1, (product, p) => product * network.StatesOf(p));
        double sum = 0;
        for (int row = 0; row < joint.Length / states; row++)
        {
            int others = (row / (inner * values) * inner) + (row % inner); // the row without this parent
            double ofRow = 0, ofOthers = 0;
            for (int x = 0; x < states; x++)
                ofRow += joint[(row * states) + x];
            for (int y = 0; y < values; y++)
            {
                for (int x = 0; x < states; x++)
                    ofOthers += joint[(RowOf(others, y) * states) + x];
            }
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
