using Atelier.Models.BayesianNetwork;
using CsCheck;

namespace Atelier.Tests.Models.BayesianNetwork;

public class ParameterTests
{
    [Fact]
    public void Maximum_likelihood_is_the_share_of_rows_and_no_other_table_is_likelier() =>
        Gen.Select(Networks.Any, Gen.ULong).Sample((network, seed) =>
    {
        DiscreteData data = Networks.Sample(network, 200, 1);
        DiscreteNetwork learned = ParameterLearning.Count(data, network.Graph, 0);
        LogLikelihood(learned, data).ShouldBeGreaterThanOrEqualTo(LogLikelihood(network, data) - 1e-9);
        double share = data.Columns[network.Graph.Order[0]].Count(v => v == 0) / 200.0;
        learned.Table(network.Graph.Order[0])[0].ShouldBe(share, 1e-12);
    }, iter: 50);

    [Fact]
    public void With_a_prior_each_cell_begins_with_its_part_of_the_imagined_rows()
    {
        DiscreteNetwork network = Networks.Random(3, 1);
        DiscreteData none = new(network.Variables, [[], [], []]);
        DiscreteNetwork learned = ParameterLearning.Count(none, network.Graph, 12);
        for (int i = 0; i < 3; i++)
            learned.Table(i).ToArray().ShouldAllBe(p => Math.Abs(p - (1.0 / network.StatesOf(i))) < 1e-12);
        DiscreteData one = new(network.Variables, [[0], [0], [0]]);
        int root = network.Graph.Order[0], states = network.StatesOf(root);
        ParameterLearning.Count(one, network.Graph, 12).Table(root)[0].ShouldBe((1 + (12.0 / states)) / 13, 1e-12);
    }

    [Fact]
    public void An_iteration_of_expectation_maximisation_never_lowers_the_likelihood() =>
        Gen.Select(Networks.Any, Gen.ULong, Gen.Bool).Sample((network, seed, prior) =>
    {
        DiscreteData data = StructureTests.WithMissing(Networks.Sample(network, 100, (long)(seed >> 1)), 0.3, seed);
        var em = new ExpectationMaximization(data, network.Graph, prior ? 5 : 0);
        DiscreteNetwork current = em.Start(1);
        double before = double.NegativeInfinity;
        for (int i = 0; i < 10; i++)
        {
            (DiscreteNetwork next, double logLikelihood) = em.Improve(current, default);
            double objective = logLikelihood + em.LogPrior(current);
            objective.ShouldBeGreaterThanOrEqualTo(before - 1e-9);
            logLikelihood.ShouldBe(Observed(current, data), 1e-6);
            (before, current) = (objective, next);
        }
    }, iter: 25);

    [Fact]
    public void Without_missing_values_one_iteration_is_counting()
    {
        DiscreteNetwork network = Networks.Random(4, 9);
        DiscreteData data = Networks.Sample(network, 300, 1);
        var em = new ExpectationMaximization(data, network.Graph, 3);
        DiscreteNetwork improved = em.Improve(em.Start(1), default).Network,
            counted = ParameterLearning.Count(data, network.Graph, 3);
        for (int i = 0; i < 4; i++)
            improved.Table(i).ToArray().ShouldBe(counted.Table(i).ToArray());
    }

    [Fact]
    public void Values_missing_at_random_are_made_up_for()
    {
        DiscreteNetwork network = Networks.Random(4, 11);
        DiscreteData data = StructureTests.WithMissing(Networks.Sample(network, 20_000, 1), 0.2, 5);
        var em = new ExpectationMaximization(data, network.Graph, 0);
        DiscreteNetwork learned = em.Start(1);
        for (int i = 0; i < 60; i++)
            learned = em.Improve(learned, default).Network;
        foreach ((byte[] states, double probability) in Networks.Enumerate(network))
            Math.Exp(learned.LogProbability(states)).ShouldBe(probability, 0.015);
    }

    [Theory]
    [InlineData("learning.test", -23832.132, -24006.734)]
    [InlineData("asia", -11033.087, -11109.742)]
    [InlineData("alarm", -216249.401, -218769.838)]
    public void Likelihood_and_bic_at_the_true_graph_are_the_published_ones(string name, double logLikelihood,
        double bic)
    {
        (DiscreteData data, DirectedGraph graph) = TrueGraphs.Read(name);
        DiscreteNetwork learned = ParameterLearning.Count(data, graph, 0);
        double own = LogLikelihood(learned, data);
        own.ShouldBe(logLikelihood, 5e-4);
        (own - (learned.ParameterCount / 2.0 * Math.Log(data.RowCount))).ShouldBe(bic, 5e-4);
    }

    private static double LogLikelihood(DiscreteNetwork network, DiscreteData data)
    {
        double sum = 0;
        var states = new byte[network.Variables.Count];
        for (int row = 0; row < data.RowCount; row++)
        {
            data.Read(row, states);
            sum += network.LogProbability(states);
        }
        return sum;
    }

    private static double Observed(DiscreteNetwork network, DiscreteData data)
    {
        double sum = 0;
        var states = new byte[network.Variables.Count];
        for (int row = 0; row < data.RowCount; row++)
        {
            data.Read(row, states);
            sum += Math.Log(Networks.Enumerate(network)
                .Where(r => Networks.Agrees(r.States, ExpectationMaximization.EvidenceOf(states)))
                .Sum(r => r.Probability));
        }
        return sum;
    }
}
