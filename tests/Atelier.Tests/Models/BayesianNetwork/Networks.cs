using Atelier.Models.BayesianNetwork;
using Atelier.TestSupport;
using CsCheck;

namespace Atelier.Tests.Models.BayesianNetwork;

/// <summary>Networks and data for tests, and the slow way to every answer: all rows that there can be.</summary>
internal static class Networks
{
    /// <summary>Random networks of 2 to 6 variables with 2 to 3 states; some probabilities are zero.</summary>
    public static Gen<DiscreteNetwork> Any { get; } =
        from count in Gen.Int[2, 6]
        from seed in Gen.ULong
        from zeros in Gen.Bool
        select Random(count, seed, zeros);

    public static DiscreteNetwork Random(int count, ulong seed, bool zeros = false, int mostParents = 3)
    {
        var random = new SplitMix64(seed);
        Variable[] variables = [.. Enumerable.Range(0, count)
            .Select(i => new Variable($"V{i}", random.Next(2) == 0 ? ["a", "b"] : ["a", "b", "c"]))];
        // Any order of the variables may be the graph's, not only that of their numbers.
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = (int)random.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        int[][] parents = [.. Enumerable.Repeat<int[]>([], count)];
        for (int place = 1; place < count; place++)
        {
            var chosen = new List<int>();
            for (int before = 0; before < place && chosen.Count < mostParents; before++)
                if (random.Next(2) == 0)
                    chosen.Add(order[before]);
            parents[order[place]] = [.. chosen];
        }
        double[][] tables = new double[count][];
        for (int i = 0; i < count; i++)
        {
            int states = variables[i].States.Count,
                rows = parents[i].Aggregate(1, (product, p) => product * variables[p].States.Count);
            tables[i] = new double[rows * states];
            for (int row = 0; row < rows; row++)
            {
                Span<double> numbers = tables[i].AsSpan(row * states, states);
                double sum = 0;
                foreach (ref double number in numbers)
                    sum += number = zeros && random.Next(5) == 0 ? 0 : random.NextDouble() + 0.01;
                if (sum == 0)
                    sum = numbers[0] = 1;
                foreach (ref double number in numbers)
                    number /= sum;
            }
        }
        return new DiscreteNetwork(variables, new DirectedGraph(parents, [.. variables.Select(v => v.Name)]), tables);
    }

    /// <summary>All rows with their probabilities.</summary>
    public static IEnumerable<(byte[] States, double Probability)> Enumerate(DiscreteNetwork network)
    {
        var states = new byte[network.Variables.Count];
        while (true)
        {
            yield return ((byte[])states.Clone(), Math.Exp(network.LogProbability(states)));
            int at = states.Length - 1;
            while (at >= 0 && ++states[at] == network.StatesOf(at))
                states[at--] = 0;
            if (at < 0)
                yield break;
        }
    }

    public static bool Agrees(byte[] states, IReadOnlyDictionary<int, int> evidence) =>
        evidence.All(e => states[e.Key] == e.Value);

    /// <summary>Evidence on up to two variables.</summary>
    public static SortedDictionary<int, int> RandomEvidence(DiscreteNetwork network, ulong seed)
    {
        var random = new SplitMix64(seed);
        var evidence = new SortedDictionary<int, int>();
        for (int i = (int)random.Next(3); i > 0; i--)
        {
            int variable = (int)random.Next(network.Variables.Count);
            evidence[variable] = (int)random.Next(network.StatesOf(variable));
        }
        return evidence;
    }

    public static DiscreteData Sample(DiscreteNetwork network, int rows, long seed) =>
        new(network.Variables, new Atelier.Models.BayesianNetwork.Inference.RowSampler(network).Sample(rows, seed));

    /// <summary>A published network from the data folder; the test is skipped without it.</summary>
    public static DiscreteNetwork Published(string name) => BifFile.Read(DataFolder.File("networks", name + ".bif.gz"));
}
