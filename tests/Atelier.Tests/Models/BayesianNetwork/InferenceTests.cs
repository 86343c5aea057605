using Atelier.Models.BayesianNetwork;
using Atelier.Models.BayesianNetwork.Inference;
using CsCheck;

namespace Atelier.Tests.Models.BayesianNetwork;

public class InferenceTests
{
    private static readonly Gen<(DiscreteNetwork Network, ulong Seed)> Questions =
        Networks.Any.SelectMany(n => Gen.ULong.Select(seed => (n, seed)));

    [Fact]
    public void Marginals_and_the_probability_of_evidence_are_those_of_all_rows_added_up() =>
        Questions.Sample((network, seed) =>
    {
        SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
        double ofEvidence = Networks.Enumerate(network).Where(r => Networks.Agrees(r.States, evidence))
            .Sum(r => r.Probability);
        var calibration = new Calibration(JunctionTree.Compile(network));
        if (ofEvidence == 0)
        {
            calibration.TrySet(evidence).ShouldBeFalse();
            Should.Throw<AtelierException>(() =>
                VariableElimination.Query(network, [0], evidence)).Message.ShouldContain("probability zero");
            return;
        }
        calibration.Set(evidence);
        Math.Exp(calibration.LogEvidence).ShouldBe(ofEvidence, 1e-12);
        for (int i = 0; i < network.Variables.Count; i++)
        {
            var marginal = new double[network.StatesOf(i)];
            calibration.Marginal(i, marginal);
            for (int state = 0; state < marginal.Length; state++)
                marginal[state]
                    .ShouldBe(Networks.Enumerate(network)
                    .Where(r => r.States[i] == state && Networks.Agrees(r.States, evidence))
                    .Sum(r => r.Probability) / ofEvidence, 1e-12);
        }
    }, iter: 300);

    [Fact]
    public void A_calibration_that_takes_new_evidence_forgets_the_old() => Questions.Sample((network, seed) =>
    {
        var tree = JunctionTree.Compile(network);
        var used = new Calibration(tree);
        used.TrySet(Networks.RandomEvidence(network, seed ^ 5));
        SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
        var fresh = new Calibration(tree);
        bool possible = fresh.TrySet(evidence);
        used.TrySet(evidence).ShouldBe(possible);
        for (int i = 0; possible && i < network.Variables.Count; i++)
        {
            double[] a = new double[network.StatesOf(i)], b = new double[network.StatesOf(i)];
            fresh.Marginal(i, a);
            used.Marginal(i, b);
            b.ShouldBe(a);
        }
    }, iter: 200);

    [Fact]
    public void Variable_elimination_gives_the_joint_distribution_of_all_rows_added_up() =>
        Questions.Sample((network, seed) =>
    {
        SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
        int[] targets =
            [.. Enumerable.Range(0, network.Variables.Count).Where(i => !evidence.ContainsKey(i)).Take(2).Reverse()];
        double ofEvidence = Networks.Enumerate(network).Where(r => Networks.Agrees(r.States, evidence))
            .Sum(r => r.Probability);
        if (ofEvidence == 0 || targets.Length == 0)
            return;
        double[] joint = VariableElimination.Query(network, targets, evidence);
        var expected = new double[joint.Length];
        foreach ((byte[] states, double probability) in Networks.Enumerate(network))
            if (Networks.Agrees(states, evidence))
                expected[targets.Aggregate(0, (place, t) => (place * network.StatesOf(t)) + states[t])] +=
                    probability / ofEvidence;
        for (int cell = 0; cell < joint.Length; cell++)
            joint[cell].ShouldBe(expected[cell], 1e-12);
    }, iter: 300);

    [Fact]
    public void The_most_probable_explanation_is_the_most_probable_of_all_rows() => Questions.Sample((network, seed) =>
    {
        SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
        double best = Networks.Enumerate(network).Where(r => Networks.Agrees(r.States, evidence))
            .Max(r => r.Probability);
        var inference = new NetworkInference(network);
        if (best == 0)
        {
            Should.Throw<AtelierException>(() =>
                inference.MostProbable(evidence)).Message.ShouldContain("probability zero");
            return;
        }
        (byte[] states, double logProbability) = inference.MostProbable(evidence);
        Networks.Agrees(states, evidence).ShouldBeTrue();
        Math.Exp(logProbability).ShouldBe(best, 1e-12);
    }, iter: 300);

    [Fact]
    public void An_intervention_leaves_out_the_factor_of_the_variable_that_is_set() =>
        Questions.Sample((network, seed) =>
    {
        int set = (int)(seed % (ulong)network.Variables.Count);
        DiscreteNetwork after = network.Do(new Dictionary<int, int> { [set] = 0 });
        // Truncated factorisation (Pearl 2009, eq. 3.10).
        foreach ((byte[] states, double probability) in Networks.Enumerate(after))
        {
            double expected = states[set] != 0 ? 0 : Enumerable.Range(0, states.Length).Where(i => i != set)
                .Aggregate(1.0, (product, i) => product * network.Distribution(i, states)[states[i]]);
            probability.ShouldBe(expected, 1e-12);
        }
    }, iter: 100);

    [Fact]
    public void Rows_drawn_given_evidence_are_as_frequent_as_their_posterior_says() => Gen.ULong.Sample(seed =>
    {
        DiscreteNetwork network = Networks.Random(4, seed, zeros: true);
        SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
        double ofEvidence = Networks.Enumerate(network).Where(r => Networks.Agrees(r.States, evidence))
            .Sum(r => r.Probability);
        if (ofEvidence == 0)
            return;
        const int Rows = 20_000;
        byte[][] columns = RowSampler.Given(JunctionTree.Compile(network), evidence).Sample(Rows, (long)(seed >> 1));
        ILookup<string, int> drawn = Enumerable.Range(0, Rows)
            .ToLookup(row => string.Concat(columns.Select(c => c[row])));
        foreach ((byte[] states, double probability) in Networks.Enumerate(network))
        {
            double expected = Networks.Agrees(states, evidence) ? probability / ofEvidence : 0;
            // Six standard deviations: one false alarm in half a billion.
            double bound = (6 * Math.Sqrt(expected * (1 - expected) / Rows)) + 1e-12;
            ((double)drawn[string.Concat(states)].Count() / Rows).ShouldBe(expected, bound);
        }
    }, iter: 20);

    [Fact]
    public void The_same_seed_draws_the_same_rows_on_any_number_of_cores()
    {
        DiscreteNetwork network = Networks.Random(6, 3);
        byte[][] first = Networks.Sample(network, 10_000, 7).Columns.ToArray(),
            again = Networks.Sample(network, 10_000, 7).Columns.ToArray();
        again.ShouldBe(first);
    }

    [Fact]
    public void A_network_with_two_hundred_variables_in_a_chain_is_exact_without_vanishing()
    {
        Variable[] variables = [.. Enumerable.Range(0, 200).Select(i => new Variable($"V{i}", ["a", "b"]))];
        int[][] parents = [.. variables.Select((_, i) => i == 0 ? Array.Empty<int>() : [i - 1])];
        double[][] tables = [.. variables.Select((_, i) => i == 0 ? (double[])[0.5, 0.5] : [0.9, 0.1, 0.1, 0.9])];
        var network =
            new DiscreteNetwork(variables, new DirectedGraph(parents, [.. variables.Select(v => v.Name)]), tables);
        var calibration = new Calibration(JunctionTree.Compile(network));
        calibration.Set(Enumerable.Range(0, 200).ToDictionary(i => i, i => i % 2));
        calibration.LogEvidence.ShouldBe(Math.Log(0.5) + (199 * Math.Log(0.1)), 1e-9);
        JunctionTree.Compile(network).Order.Width.ShouldBe(1);
    }
}
