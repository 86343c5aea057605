using Atelier.Models.BayesianNetwork;
using Atelier.Models.BayesianNetwork.Inference;
using CsCheck;

namespace Atelier.Tests.Models.BayesianNetwork;

/// <summary>
/// Answers that need part of a network only, that are too large for a compiled tree, or that can only be estimated.
/// </summary>
public class LargeNetworkTests
{
    private static readonly Gen<(DiscreteNetwork Network, ulong Seed)> Questions = Networks.Any.SelectMany(n =>
        Gen.ULong.Select(seed => (n, seed)));
    private static readonly SortedDictionary<int, int> Nothing = [];

    [Fact]
    public void What_a_question_needs_gives_the_answer_that_all_rows_added_up_give() =>
        Questions.Sample((network, seed) =>
    {
        SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
        int[] targets = [.. Enumerable.Range(0, network.Variables.Count).Where(i => !evidence.ContainsKey(i))];
        double ofEvidence = Networks.Enumerate(network).Where(r => Networks.Agrees(r.States, evidence)).Sum(r =>
            r.Probability);
        var inference = new NetworkInference(network);
        foreach (int target in targets)
        {
            if (ofEvidence == 0)
            {
                Should.Throw<AtelierException>(() =>
                    inference.Joint([target], evidence)).Message.ShouldContain("probability zero");
                continue;
            }
            Posterior answer = inference.Joint([target], evidence);
            answer.IsExact.ShouldBeTrue();
            for (int state = 0; state < answer.Probabilities.Length; state++)
                answer.Probabilities[state].ShouldBe(Share(network, evidence, s => s[target] == state) / ofEvidence,
                    1e-12);
        }
    }, iter: 200);

    [Fact]
    public void Messages_up_and_down_give_the_answers_of_one_elimination_each() => Questions.Sample((network, seed) =>
    {
        SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
        int[] targets = [.. Enumerable.Range(0, network.Variables.Count).Where(i => !evidence.ContainsKey(i))];
        var buckets = Buckets.Collect(network, Relevance.Of(network, targets, evidence).Factors, new BucketOptions(),
            default);
        if (buckets.IsImpossible || !new Calibration(JunctionTree.Compile(network)).TrySet(evidence))
            return;
        var tree = new BucketTree(network, buckets, default);
        foreach (int target in targets)
            tree.Distribution(target).ShouldBe(VariableElimination.Query(network, [target], evidence), 1e-12);
    }, iter: 200);

    [Fact]
    public void The_sum_of_mini_buckets_bounds_the_probability_of_the_evidence_and_is_it_where_nothing_is_split() =>
        Questions.Sample((network, seed) =>
    {
        SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
        Relevance all = Relevance.Of(network,
            [.. Enumerable.Range(0, network.Variables.Count).Where(i => !evidence.ContainsKey(i))], evidence);
        IReadOnlyList<Factor> factors = [.. all.Factors, .. all.Others.SelectMany(part => part)];
        double exact = Networks.Enumerate(network).Where(r => Networks.Agrees(r.States, evidence)).Sum(r =>
            r.Probability);
        Math.Exp(Buckets.Collect(network, factors, new BucketOptions(), default).LogSum).ShouldBe(exact, 1e-12);
        Math.Exp(Buckets.Collect(network, factors, new BucketOptions { MostCells = 6 }, default).LogSum)
            .ShouldBeGreaterThanOrEqualTo(exact - 1e-12);
    }, iter: 200);

    [Fact]
    public void The_average_weight_of_rows_from_mini_buckets_is_the_probability_of_the_evidence()
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            DiscreteNetwork network = Networks.Random(6, seed, zeros: seed % 2 == 0);
            SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
            double exact = Networks.Enumerate(network).Where(r => Networks.Agrees(r.States, evidence)).Sum(r =>
                r.Probability);
            Relevance all = Relevance.Of(network, [.. Enumerable.Range(0, 6).Where(i => !evidence.ContainsKey(i))],
                evidence);
            IReadOnlyList<Factor> factors = [.. all.Factors, .. all.Others.SelectMany(part => part)];
            var walk = new BucketWalk(network,
                Buckets.Collect(network, factors, new BucketOptions { MostCells = 4 }, default));
            if (exact == 0)
                continue;
            var random = new SplitMix64(seed);
            var states = new byte[6];
            foreach ((int variable, int state) in evidence)
                states[variable] = (byte)state;
            double ofRoots = factors.Where(f => f.Scope.Length == 0).Aggregate(1.0, (product, f) =>
                product * f.Values[0]);
            double sum = 0, squares = 0;
            const int Rows = 20_000;
            for (int row = 0; row < Rows; row++)
            {
                double weight = ofRoots * Math.Exp(walk.Sample(states, ref random));
                (sum, squares) = (sum + weight, squares + (weight * weight));
            }
            double mean = sum / Rows, error = Math.Sqrt(Math.Max(0, (squares / Rows) - (mean * mean)) / Rows);
            mean.ShouldBe(exact, (6 * error) + 1e-9);
        }
    }

    [Fact]
    public void An_interval_of_an_estimated_answer_holds_the_exact_one_about_as_often_as_it_says()
    {
        int inside = 0, all = 0;
        for (ulong seed = 1; seed <= 60; seed++)
        {
            DiscreteNetwork network = Networks.Random(6, seed);
            SortedDictionary<int, int> evidence = Networks.RandomEvidence(network, seed);
            int[] targets = [.. Enumerable.Range(0, 6).Where(i => !evidence.ContainsKey(i))];
            Posterior[] about = About(network, seed).Marginals(targets, evidence),
                exact = new NetworkInference(network).Marginals(targets, evidence);
            for (int i = 0; i < targets.Length; i++)
            {
                if (about[i].Sampling is not { } sampling)
                    continue;
                sampling.Precision.ShouldBeLessThanOrEqualTo(0.02);
                sampling.EffectiveRows.ShouldBeInRange(1000, sampling.Rows);
                about[i].Probabilities.Sum().ShouldBe(1, 1e-9);
                for (int state = 0; state < about[i].Probabilities.Length; state++, all++)
                    inside += sampling.Low[state] <= exact[i].Probabilities[state]
                        && exact[i].Probabilities[state] <= sampling.High[state] ? 1 : 0;
            }
        }
        all.ShouldBeGreaterThan(300);
        ((double)inside / all).ShouldBeGreaterThan(0.92);
    }

    [Fact]
    public void Unlikely_evidence_of_many_effects_leaves_enough_effective_rows()
    {
        // Likelihood weighting draws causes without their effects: of 200,000 rows a few dozen counted.
        DiscreteNetwork network = Grid(rows: 3, columns: 8, seed: 5);
        SortedDictionary<int, int> evidence = [];
        for (int i = 0; i < 8; i++)
            evidence[16 + i] = network.Distribution(16 + i, new byte[24])
                .IndexOf(network.Distribution(16 + i, new byte[24]).ToArray().Min());
        var options = new InferenceOptions { MostCells = 0, Seed = 3, Precision = 0.02, ProposalCells = 24 * 16 };
        Posterior about = new NetworkInference(network, options).Joint([3], evidence),
            exact = new NetworkInference(network).Joint([3], evidence);
        about.Sampling!.EffectiveRows.ShouldBeGreaterThan(1000);
        for (int state = 0; state < 2; state++)
            about.Probabilities[state].ShouldBe(exact.Probabilities[state], 0.03);
    }

    [Fact]
    public void What_cannot_be_estimated_as_precisely_as_asked_is_said_in_words()
    {
        DiscreteNetwork network = Networks.Random(6, 4);
        var evidence = new SortedDictionary<int, int> { [network.Graph.Order[^1]] = 0 };
        int target = network.Graph.Parents(network.Graph.Order[^1])[0];
        var options = new InferenceOptions { MostCells = 0, MostRows = 20_000, Precision = 1e-4, ProposalCells = 24 };
        AtelierException refused = Should.Throw<AtelierException>(() =>
            new NetworkInference(network, options).Joint([target], evidence));
        refused.Message.ShouldContain("20480 weighted rows have an effective sample size of");
        refused.Hint!.ShouldStartWith("'precision' 0.0");
        var drawing = new NetworkInference(Grid(3, 8, seed: 5), options with { MostRows = 100 });
        AtelierException undrawn = Should.Throw<AtelierException>(() => drawing
            .Sample(new SortedDictionary<int, int> { [23] = 0 }, 2000, 1));
        undrawn.Message.ShouldContain("cannot be sampled");
    }

    [Fact]
    public void Rows_chosen_by_weight_are_as_frequent_as_their_posterior_says()
    {
        DiscreteNetwork network = Networks.Random(5, 8);
        SortedDictionary<int, int> evidence = new() { [network.Graph.Order[^1]] = 0 };
        double ofEvidence = Share(network, evidence, _ => true);
        (byte[][] columns, double? effective) = About(network, 2).Sample(evidence, 5_000, 7);
        for (int i = 0; i < 5; i++)
        {
            double share = Share(network, evidence, s => s[i] == 0) / ofEvidence;
            ((double)columns[i].Count(s => s == 0) / 5_000).ShouldBe(share,
                (6 * Math.Sqrt(share * (1 - share) / Math.Min(5_000, effective ?? 5_000))) + 1e-9);
        }
    }

    [Theory]
    [InlineData(400, 4)]
    [InlineData(1000, 12)]
    public void A_question_about_few_ancestors_in_a_network_of_any_treewidth_is_exact(int count, int states)
    {
        DiscreteNetwork network = Layers(count, states, seed: 11);
        var inference = new NetworkInference(network);
        inference.IsExact.ShouldBeFalse("the whole is far beyond exact answers");
        int asked = count / 10, seen = asked + 1;
        Posterior answer = inference.Joint([asked], new SortedDictionary<int, int> { [seen] = 1 });
        answer.IsExact.ShouldBeTrue();
        // A second way: the ancestors alone as a network of their own, all compiled.
        bool[] above = network.Graph.AncestorsOf([asked, seen]);
        int[] kept = [.. Enumerable.Range(0, count).Where(i => above[i])];
        int[][] parents = [.. kept.Select(i => network.Graph.Parents(i).Select(p => Array.IndexOf(kept, p)).ToArray())];
        var part = new DiscreteNetwork([.. kept.Select(i => network.Variables[i])],
            new DirectedGraph(parents, [.. kept.Select(i => network.Variables[i].Name)]),
            [.. kept.Select(i => network.Table(i).ToArray())]);
        var calibration = new Calibration(JunctionTree.Compile(part));
        calibration.Set(new Dictionary<int, int> { [Array.IndexOf(kept, seen)] = 1 });
        answer.Probabilities.ShouldBe(calibration.Marginal(Array.IndexOf(kept, asked)), 1e-12);
    }

    [Fact]
    public void What_is_cancelled_stops_and_may_be_asked_again()
    {
        var inference = new NetworkInference(Grid(rows: 9, columns: 12, seed: 3));
        var cancelled = new CancellationToken(canceled: true);
        var evidence = new SortedDictionary<int, int> { [107] = 1 };
        foreach (Action ask in (Action[])
            [
                () => inference.Marginals([0, 17], evidence, cancelled),
                () => inference.Joint([0, 17], evidence, cancelled),
                () => inference.MostProbable(evidence, cancelled), () => inference.Sample(evidence, 100, 1, cancelled),
                () => inference.Families(cancelled), () => EdgeStrength.Of(inference, cancelled),
            ])
        {
            Should.Throw<OperationCanceledException>(ask);
        }
        inference.Marginals([0, 17], evidence).Length.ShouldBe(2, "the order is found when it is asked for again");
    }

    [Fact]
    public void The_search_for_an_order_stops_at_the_next_variable()
    {
        using var stop = new CancellationTokenSource();
        int[][] scopes = [.. Enumerable.Range(0, 200).Select(i => (int[])[i, (i + 1) % 200, (i + 7) % 200])];
        Should.Throw<OperationCanceledException>(() => EliminationOrder.Find(200, scopes, States, [], stop.Token));

        int States(int variable)
        {
            stop.Cancel(); // states are asked for before anything is eliminated
            return 4;
        }
    }

    [Fact]
    public void A_grid_is_answered_alike_variable_by_variable_and_all_at_once()
    {
        DiscreteNetwork network = Grid(rows: 9, columns: 12, seed: 3);
        EliminationOrder order = EliminationOrder.Of(network);
        order.Variables.Order().ShouldBe(Enumerable.Range(0, 108));
        order.Width.ShouldBeLessThanOrEqualTo(13,
            "the treewidth of a moralised grid is a little over its shorter side");
        int[] targets = [.. Enumerable.Range(0, 107)];
        var evidence = new SortedDictionary<int, int> { [107] = 1 };
        Posterior[] all = new NetworkInference(network).Marginals(targets, evidence);
        foreach (int target in (int[])[0, 17, 53])
            new NetworkInference(network).Joint([target], evidence).Probabilities.ShouldBe(all[target].Probabilities,
                1e-11);
    }

    [Fact]
    public void Impossible_evidence_is_told_wherever_it_lies()
    {
        // 0 → 1 and 2 → 3, the second pair certain: what is asked of the first does not depend on it.
        Variable[] variables = [.. Enumerable.Range(0, 4).Select(i => new Variable($"V{i}", ["a", "b"]))];
        var network = new DiscreteNetwork(variables,
            new DirectedGraph([[], [0], [], [2]], [.. variables.Select(v => v.Name)]),
            [[0.5, 0.5], [0.9, 0.1, 0.2, 0.8], [1, 0], [1, 0, 0, 1]]);
        Should.Throw<AtelierException>(() =>
            new NetworkInference(network).Joint([0], new SortedDictionary<int, int> { [3] = 1 }))
            .Message.ShouldBe("the evidence has probability zero: V3=b");
    }

    private static NetworkInference About(DiscreteNetwork network, ulong seed) =>
        new(network, new InferenceOptions { MostCells = 0, Seed = (long)seed, Precision = 0.02, ProposalCells = 24 });

    private static double Share(DiscreteNetwork network, SortedDictionary<int, int> evidence, Func<byte[], bool> of) =>
        Networks.Enumerate(network).Where(r => Networks.Agrees(r.States, evidence) && of(r.States)).Sum(r =>
            r.Probability);

    // Each cell depends on the ones above and to the left.
    private static DiscreteNetwork Grid(int rows, int columns, ulong seed) =>
        Made([.. Enumerable.Range(0, rows * columns).Select(i =>
            (int[])[.. i % columns > 0 ? (int[])[i - 1] : [], .. i >= columns ? (int[])[i - columns] : []])], 2, seed);

    // Ten wide layers in which each depends on two of the layer above, and all but the first tenth hang together
    // densely.
    private static DiscreteNetwork Layers(int count, int states, ulong seed)
    {
        var random = new SplitMix64(seed);
        int width = count / 10;
        return Made([.. Enumerable.Range(0, count).Select(i => i < width ? (int[])[] :
            [.. Enumerable.Range(0, 2).Select(_ =>
                (((i / width) - 1) * width) + (int)random.Next(width)).Distinct()])], states, seed);
    }

    private static DiscreteNetwork Made(int[][] parents, int states, ulong seed)
    {
        var random = new SplitMix64(seed);
        Variable[] variables = [.. parents.Select((_, i) =>
            new Variable($"V{i}", [.. Enumerable.Range(0, states).Select(s => $"s{s}")]))];
        double[][] tables = [.. parents.Select(p => Enumerable.Range(0, (int)Math.Pow(states, p.Length)).SelectMany(_ =>
        {
            double[] row = [.. Enumerable.Range(0, states).Select(_ => Math.Pow(random.NextDouble(), 4) + 1e-3)];
            return row.Select(v => v / row.Sum());
        }).ToArray())];
        return new DiscreteNetwork(variables, new DirectedGraph(parents, [.. variables.Select(v => v.Name)]), tables);
    }
}
