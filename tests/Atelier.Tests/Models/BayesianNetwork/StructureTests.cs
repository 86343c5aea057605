using Atelier.Models.BayesianNetwork;
using Atelier.Models.BayesianNetwork.Structure;
using CsCheck;

namespace Atelier.Tests.Models.BayesianNetwork;

public class StructureTests
{
    private static readonly StructureConstraints Free = Constraints(4);

    [Fact]
    public void Counts_by_bits_and_by_indices_are_those_of_a_plain_loop() =>
        Gen.Select(Networks.Any, Gen.Int[1, 300], Gen.Bool).Sample((network, rows, missing) =>
    {
        DiscreteData data = Networks.Sample(network, rows, rows);
        if (missing)
            data = WithMissing(data, share: 0.2, seed: 3);
        var counter = new FamilyCounter(data);
        // All variables together are counted by indices, few of them by bits.
        for (int size = 1; size <= network.Variables.Count; size++)
        {
            int[] family = [.. Enumerable.Range(0, size).Reverse()];
            var counts = new int[(int)counter.Cells(family)];
            counter.Count(family, counts);
            var expected = new int[counts.Length];
            for (int row = 0; row < rows; row++)
                if (family.All(v => data.Columns[v][row] != DiscreteData.Missing))
                    expected[family.Aggregate(0, (place, v) => (place * network.StatesOf(v)) + data.Columns[v][row])]++;
            counts.ShouldBe(expected);
        }
    }, iter: 100);

    [Fact]
    public void Equivalent_structures_have_the_same_score_by_bic_and_bdeu() => Gen.ULong.Sample(seed =>
    {
        DiscreteData data = Networks.Sample(Networks.Random(3, seed), 200, 1);
        foreach (NetworkScore kind in (NetworkScore[])[NetworkScore.Bic, NetworkScore.Aic, NetworkScore.Bdeu])
        {
            var score = new FamilyScore(new FamilyCounter(data), kind, 5);
            double forward = score.Of(0, []) + score.Of(1, [0]) + score.Of(2, [1]),
                backward = score.Of(2, []) + score.Of(1, [2]) + score.Of(0, [1]);
            forward.ShouldBe(backward, 1e-8);
        }
    }, iter: 50);

    [Fact]
    public void Bayesian_scores_are_the_probability_of_the_rows_one_after_another() => Gen.ULong.Sample(seed =>
    {
        DiscreteData data = Networks.Sample(Networks.Random(3, seed), 60, 1);
        int[] parents = [0, 1];
        int states = data.Variables[2].States.Count,
            rows = data.Variables[0].States.Count * data.Variables[1].States.Count;
        foreach ((NetworkScore kind, double prior) in ((NetworkScore, double)[])[(NetworkScore.K2, 1),
            (NetworkScore.Bdeu, 7.0 / (rows * states))])
        {
            // Each row is predicted from those before it (Dawid 1984): (n + α) / (N + states α).
            double sum = 0;
            var seen = new double[rows, states];
            for (int row = 0; row < data.RowCount; row++)
            {
                int given = (data.Columns[0][row] * data.Variables[1].States.Count) + data.Columns[1][row],
                    own = data.Columns[2][row];
                double all = Enumerable.Range(0, states).Sum(s => seen[given, s]);
                sum += Math.Log((seen[given, own]++ + prior) / (all + (states * prior)));
            }
            new FamilyScore(new FamilyCounter(data), kind, 7).Of(2, parents).ShouldBe(sum, 1e-8);
        }
    }, iter: 50);

    [Fact]
    public void No_single_change_betters_what_hill_climbing_found() => Gen.ULong.Sample(seed =>
    {
        FamilyScore score = ScoreOf(Networks.Random(4, seed));
        DirectedGraph found = new HillClimbing(score, Names(4), Free, new()).Search(null, default);
        foreach (DirectedGraph other in AllGraphs(4).Where(g => Changes(g, found) <= 1))
            Total(score, other).ShouldBeLessThanOrEqualTo(Total(score, found) + 1e-6);
    }, iter: 20);

    [Fact]
    public void Hill_climbing_with_restarts_finds_the_best_of_all_graphs_of_four_variables()
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            FamilyScore score = ScoreOf(Networks.Random(4, seed));
            DirectedGraph found = new HillClimbing(score, Names(4), Free, new() { Restarts = 10 })
                .Search(null, default);
            Total(score, found).ShouldBe(AllGraphs(4).Max(g => Total(score, g)), 1e-6);
        }
    }

    [Fact]
    public void Learned_structures_keep_required_edges_and_leave_out_forbidden_ones() => Gen.ULong.Sample(seed =>
    {
        DiscreteData data = Networks.Sample(Networks.Random(4, seed), 300, 1);
        var constraints = new StructureConstraints(Names(4), [(3, 0)], [(0, 1), (1, 0), (2, 1)], 3);
        var counter = new FamilyCounter(data);
        foreach (DirectedGraph graph in (DirectedGraph[])
        [
            new HillClimbing(new FamilyScore(counter, NetworkScore.Bic, 1), Names(4), constraints, new())
                .Search(null, default),
            new PcAlgorithm(Names(4), constraints, new IndependenceTest(counter, IndependenceTestName.G2), 0.05, 3)
                .Learn(null, default),
            ChowLiu.Learn(counter, Names(4), new StructureConstraints(Names(4), [(3, 0)], [(0, 1), (1, 0)], 3),
                root: null),
        ])
        {
            graph.HasEdge(3, 0).ShouldBeTrue();
            graph.Edges.ShouldNotContain((0, 1));
            graph.Edges.ShouldNotContain((1, 0));
        }
    }, iter: 50);

    [Fact]
    public void A_tree_that_cannot_have_the_edges_asked_for_is_told()
    {
        var counter = new FamilyCounter(Networks.Sample(Tree(), 500, 1));
        var constraints = new StructureConstraints(Names(4), [(0, 1), (3, 2)], [(2, 1)], 3);
        Should.Throw<AtelierException>(() =>
            ChowLiu.Learn(counter, Names(4), constraints, root: 1)).Message.ShouldContain("no tree");
    }

    [Fact]
    public void Chow_liu_finds_the_tree_that_the_rows_come_from()
    {
        // a → b → c, a → d, all strong.
        DiscreteNetwork network = Tree();
        DirectedGraph learned =
            ChowLiu.Learn(new FamilyCounter(Networks.Sample(network, 5000, 1)), Names(4), Free, root: 0);
        learned.Edges.ShouldBe(network.Graph.Edges, ignoreOrder: true);
    }

    [Fact]
    public void Pc_finds_the_class_of_the_network_that_the_rows_come_from()
    {
        // 0 → 2 ← 1, 2 → 3: every direction is told by independence.
        Variable[] variables = [.. Names(4).Select(n => new Variable(n, ["a", "b"]))];
        var graph = new DirectedGraph([[], [], [0, 1], [2]], Names(4));
        var network = new DiscreteNetwork(variables, graph,
            [[0.5, 0.5], [0.4, 0.6], [0.9, 0.1, 0.3, 0.7, 0.4, 0.6, 0.05, 0.95], [0.8, 0.2, 0.2, 0.8]]);
        var counter = new FamilyCounter(Networks.Sample(network, 20_000, 2));
        foreach (IndependenceTestName test in Enum.GetValues<IndependenceTestName>())
        {
            DirectedGraph learned = new PcAlgorithm(Names(4), Free, new IndependenceTest(counter, test), 0.001, 3)
                .Learn(null, default);
            learned.Edges.ShouldBe(graph.Edges, ignoreOrder: true);
        }
    }

    [Fact]
    public void Two_graphs_are_in_one_class_exactly_when_skeleton_and_colliders_agree()
    {
        DirectedGraph[] all = [.. AllGraphs(4)];
        all.Length.ShouldBe(543); // Robinson 1973
        // Verma and Pearl 1990.
        ILookup<string, DirectedGraph> classes = all.ToLookup(Signature);
        classes.Count.ShouldBe(185); // Gillispie and Perlman 2001
        foreach (IGrouping<string, DirectedGraph> group in classes)
            foreach (DirectedGraph graph in group)
                StructureDistance.Between(group.First(), graph).ClassHamming.ShouldBe(0);
        StructureDistance.Between(classes.ElementAt(3).First(),
            classes.ElementAt(40).First()).ClassHamming.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void A_class_is_extended_to_a_graph_of_that_class_whatever_the_order() =>
        Gen.Int[0, 542].SelectMany(i => Gen.Shuffle((int[])[0, 1, 2, 3]).Select(order => (i, order)))
        .Sample((index, order) =>
    {
        DirectedGraph graph = AllGraphs(4).ElementAt(index);
        var extended = DirectedGraph.Of(PartiallyDirectedGraph.ClassOf(graph).Extend(order)!, Names(4));
        StructureDistance.Between(graph, extended).ClassHamming.ShouldBe(0);
    }, iter: 50);

    [Theory]
    [InlineData("asia", 5_000, 7, 1)]
    [InlineData("alarm", 20_000, 40, 8)]
    [InlineData("alarm", 10_000, 41, 6)]
    public void Learned_structures_are_as_near_to_the_truth_as_the_documentation_says(string name, int rows, int right,
        int hamming)
    {
        (DiscreteData all, DirectedGraph truth) = TrueGraphs.Read(name);
        DiscreteData data = all.Select([.. Enumerable.Range(0, rows)]);
        var distance = StructureDistance.Between(truth, StructureLearning.Learn(data, new BayesianNetworkConfig(), 1));
        distance.Right.ShouldBeGreaterThanOrEqualTo(right);
        distance.Hamming.ShouldBeLessThanOrEqualTo(hamming);
    }

    [Theory]
    [InlineData("alarm", 1)]
    [InlineData("alarm", 2)]
    [InlineData("asia", 1)]
    [InlineData("sachs", 1)]
    public void A_learned_structure_scores_no_less_than_the_one_that_20_000_rows_were_drawn_from(string name, long seed)
    {
        DiscreteNetwork network = Networks.Published(name);
        Beats(network, Networks.Sample(network, 20_000, seed));
    }

    [Theory]
    [InlineData(27, 52, 1)]
    [InlineData(40, 60, 2)]
    [InlineData(40, 60, 3)]
    public void So_it_does_where_causes_add_up_as_in_diagnosis(int variables, int edges, ulong seed)
    {
        DiscreteNetwork network = NoisyOr(variables, edges, seed);
        Beats(network, Networks.Sample(network, 5_000, 1));
    }

    [Fact]
    public void A_search_ends_after_the_restarts_or_the_seconds_asked_for_and_says_so()
    {
        FamilyScore score = ScoreOf(Networks.Random(4, 3));
        var search = new HillClimbing(score, Names(4), Free, new() { Restarts = 7 });
        int climbs = 0;
        DirectedGraph found = search.Search((climb, _, _) => climbs = Math.Max(climbs, climb), default);
        search.Ending.ShouldContain("the last 7 restarts found no better structure");
        climbs.ShouldBeGreaterThanOrEqualTo(7);
        var stopped = new HillClimbing(score, Names(4), Free, new() { Restarts = int.MaxValue, Seconds = 0.05 });
        Total(score, stopped.Search(null, default)).ShouldBe(Total(score, found), 1e-6);
        stopped.Ending.ShouldContain("model.searchSeconds");
        var cancelled = new HillClimbing(score, Names(4), Free, new() { Restarts = 7 });
        cancelled.Search(null, new CancellationToken(canceled: true)).Edges.ShouldBeEmpty();
        cancelled.Ending.ShouldEndWith("stopped");
    }

    [Fact]
    public void Constraints_hold_through_every_restart() => Gen.ULong.Sample(seed =>
    {
        DiscreteData data = Networks.Sample(Networks.Random(6, seed), 300, 1);
        var constraints = new StructureConstraints(Names(6), [(3, 0), (4, 5)], [(0, 1), (1, 0), (2, 1)], 2);
        DirectedGraph graph = new HillClimbing(new FamilyScore(new FamilyCounter(data), NetworkScore.K2, 1), Names(6),
            constraints, new() { Restarts = 20 })
            .Search(null, default);
        constraints.Allows([.. graph.Edges]).ShouldBeTrue();
    }, iter: 20);

    [Fact]
    public void An_edge_both_required_and_forbidden_is_refused() =>
        Should.Throw<AtelierException>(() =>
            new StructureConstraints(Names(3), [(0, 1)], [(0, 1)], 3)).Message.ShouldContain("V0->V1");

    [Fact]
    public void G2_is_twice_the_rows_times_the_mutual_information() => Gen.ULong.Sample(seed =>
    {
        DiscreteData data = Networks.Sample(Networks.Random(2, seed), 400, 1);
        var counter = new FamilyCounter(data);
        (double statistic, double freedom) = new IndependenceTest(counter, IndependenceTestName.G2).Statistic(0, 1, []);
        statistic.ShouldBe(2 * 400 * ChowLiu.MutualInformation(counter, 0, 1), 1e-8);
        freedom.ShouldBe((data.Variables[0].States.Count - 1) * (data.Variables[1].States.Count - 1));
    }, iter: 30);

    internal static DiscreteData WithMissing(DiscreteData data, double share, ulong seed)
    {
        var random = new SplitMix64(seed);
        return new(data.Variables,
            [.. data.Columns.Select(c =>
            c.Select(v => random.NextDouble() < share ? DiscreteData.Missing : v).ToArray())]);
    }

    private static FamilyScore ScoreOf(DiscreteNetwork network) =>
        new(new FamilyCounter(Networks.Sample(network, 500, 1)), NetworkScore.Bic, 1);

    private static double Total(FamilyScore score, DirectedGraph graph) =>
        Enumerable.Range(0, graph.Count).Sum(i => score.Of(i, [.. graph.Parents(i).Order()]));

    private static int Changes(DirectedGraph a, DirectedGraph b) =>
        a.Edges.Union(b.Edges).Except(a.Edges.Intersect(b.Edges))
            .Select(e => (Math.Min(e.Parent, e.Child), Math.Max(e.Parent, e.Child))).Distinct().Count();

    private static DiscreteNetwork Tree()
    {
        Variable[] variables = [.. Names(4).Select(n => new Variable(n, ["a", "b"]))];
        return new DiscreteNetwork(variables, new DirectedGraph([[], [0], [1], [0]], Names(4)),
            [[0.4, 0.6], [0.9, 0.1, 0.2, 0.8], [0.8, 0.2, 0.1, 0.9], [0.85, 0.15, 0.2, 0.8]]);
    }

    private static void Beats(DiscreteNetwork network, DiscreteData data)
    {
        var score = new FamilyScore(new FamilyCounter(data), NetworkScore.Bic, 1);
        Total(score, StructureLearning.Learn(data, new BayesianNetworkConfig(), 1))
            .ShouldBeGreaterThanOrEqualTo(Total(score, network.Graph) - 1e-6);
    }

    // Each effect fails to come about only if every cause that is there fails to bring it about (Pearl 1988, section
    // 4.3.2).
    private static DiscreteNetwork NoisyOr(int count, int edges, ulong seed)
    {
        var random = new SplitMix64(seed);
        List<int>[] parents = [.. Enumerable.Range(0, count).Select(_ => new List<int>())];
        while (parents.Sum(p => p.Count) < edges)
        {
            int child = 1 + (int)random.Next(count - 1), parent = (int)random.Next(child);
            if (parents[child].Count < 4 && !parents[child].Contains(parent))
                parents[child].Add(parent);
        }
        double[][] tables = [.. parents.Select(p =>
        {
            double leak = 0.02 + (0.2 * random.NextDouble());
            double[] strengths = [.. p.Select(_ => 0.5 + (0.45 * random.NextDouble()))];
            return Enumerable.Range(0, 1 << p.Count).SelectMany(row =>
            {
                double fails = p.Count == 0 ? 0.5 + (0.4 * random.NextDouble()) : 1 - leak;
                for (int i = 0; i < p.Count; i++)
                    fails *= (row >> (p.Count - 1 - i) & 1) == 1 ? 1 - strengths[i] : 1;
                return (double[])[fails, 1 - fails];
            }).ToArray();
        })];
        return new DiscreteNetwork([.. Names(count).Select(n => new Variable(n, ["no", "yes"]))],
            new DirectedGraph([.. parents.Select(p => p.ToArray())], Names(count)), tables);
    }

    private static string[] Names(int count) => [.. Enumerable.Range(0, count).Select(i => $"V{i}")];

    private static StructureConstraints Constraints(int count) => new(Names(count), [], [], 8);

    private static IEnumerable<DirectedGraph> AllGraphs(int count)
    {
        (int A, int B)[] pairs =
            [.. Enumerable.Range(0, count).SelectMany(a => Enumerable.Range(a + 1, count - a - 1).Select(b => (a, b)))];
        for (int code = 0; code < Math.Pow(3, pairs.Length); code++)
        {
            var edges = new List<(int, int)>();
            int rest = code;
            foreach ((int a, int b) in pairs)
            {
                if (rest % 3 != 0)
                    edges.Add(rest % 3 == 1 ? (a, b) : (b, a));
                rest /= 3;
            }
            DirectedGraph? graph = null;
            try
            {
                graph = DirectedGraph.Of(edges, Names(count));
            }
            catch (AtelierException)
            {
                continue; // a cycle
            }
            yield return graph;
        }
    }

    private static string Signature(DirectedGraph graph)
    {
        IEnumerable<string> skeleton =
            graph.Edges.Select(e => $"{Math.Min(e.Parent, e.Child)}{Math.Max(e.Parent, e.Child)}").Order();
        IEnumerable<string> colliders =
            from child in Enumerable.Range(0, graph.Count)
            from a in graph.Parents(child)
            from b in graph.Parents(child)
            where a < b && !graph.HasEdge(a, b) && !graph.HasEdge(b, a)
            select $"{a}>{child}<{b}";
        return string.Join(' ', skeleton) + "|" + string.Join(' ', colliders.Order());
    }
}
