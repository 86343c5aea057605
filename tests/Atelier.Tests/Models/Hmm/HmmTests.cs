using Atelier.Evaluation;
using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;
using CsCheck;

namespace Atelier.Tests.Models.Hmm;

/// <summary>Held against every path through small random models, counted one by one.</summary>
public sealed class HmmTests
{
    private static readonly Gen<(HmmModel Model, int[] Symbols, int States, int Kinds)> Cases =
        from states in Gen.Int[1, 4]
        from kinds in Gen.Int[1, 4]
        from length in Gen.Int[1, 7]
        from zeros in Gen.Bool
        from seed in Gen.ULong
        select Make(states, kinds, length, zeros, seed);

    private static (HmmModel, int[], int, int) Make(int states, int kinds, int length, bool zeros, ulong seed)
    {
        var random = new SplitMix64(seed);
        double[] start = Row(states, zeros, ref random), transitions = new double[states * states],
            emissions = new double[kinds * states];
        for (int i = 0; i < states; i++)
        {
            Row(states, zeros, ref random).CopyTo(transitions, i * states);
            double[] row = Row(kinds, zeros: false, ref random);
            for (int symbol = 0; symbol < kinds; symbol++)
                emissions[(symbol * states) + i] = row[symbol];
        }
        int[] symbols = new int[length];
        for (int t = 0; t < length; t++)
            symbols[t] = (int)random.Next(kinds);
        var model = new HmmModel(new HmmChain(start, transitions),
            new CategoricalEmissions(states, Padding.Add(emissions, states, HmmKernels.Width(states))));
        return (model, symbols, states, kinds);
    }

    private static double[] Row(int count, bool zeros, ref SplitMix64 random)
    {
        double[] row = new double[count];
        for (int i = 0; i < count; i++)
            row[i] = zeros && i > 0 && random.Next(3) == 0 ? 0 : 0.05 + random.NextDouble();
        double sum = row.Sum();
        return Array.ConvertAll(row, value => value / sum);
    }

    private static IEnumerable<(int[] Path, double Probability)> Paths(HmmModel model, int[] symbols)
    {
        int states = model.StateCount;
        var emissions = (CategoricalEmissions)model.Emissions;
        for (int number = 0; number < (int)Math.Pow(states, symbols.Length); number++)
        {
            int[] path = new int[symbols.Length];
            double probability = 1;
            for (int t = 0, rest = number; t < path.Length; t++, rest /= states)
            {
                path[t] = rest % states;
                probability *= (t == 0 ? model.Chain.Start[path[0]]
                    : model.Chain.Transition(path[t - 1], path[t])) * emissions.Row(symbols[t])[path[t]];
            }
            yield return (path, probability);
        }
    }

    [Fact]
    public void Likelihood_posteriors_and_expected_counts_are_those_of_all_paths() => Cases.Sample(c =>
    {
        (int[] Path, double Probability)[] paths = [.. Paths(c.Model, c.Symbols)];
        double total = paths.Sum(p => p.Probability);
        HmmSequence sequence = HmmSequence.Of(c.Symbols);
        c.Model.LogLikelihoods([sequence])[0].ShouldBe(Math.Log(total), 1e-9);
        var sums = new HmmStatistics(c.Model);
        double[] posteriors = new double[c.Symbols.Length * c.States];
        ForwardBackward.Expect(c.Model, sequence, sums, posteriors);
        sums.LogLikelihood.ShouldBe(Math.Log(total), 1e-9);
        for (int i = 0; i < c.States; i++)
        {
            for (int t = 0; t < c.Symbols.Length; t++)
                posteriors[(t * c.States) + i]
                    .ShouldBe(paths.Where(p => p.Path[t] == i).Sum(p => p.Probability) / total, 1e-9);
            sums.Starts[i].ShouldBe(posteriors[i], 1e-12);
            for (int j = 0; j < c.States; j++)
            {
                double count = paths.Sum(p => p.Probability / total * Enumerable.Range(1, c.Symbols.Length - 1)
                    .Count(t => p.Path[t - 1] == i && p.Path[t] == j));
                (sums.Transitions[(i * c.Model.Chain.Width) + j] * c.Model.Chain.Transition(i, j))
                    .ShouldBe(count, 1e-9);
            }
            for (int symbol = 0; symbol < c.Kinds; symbol++)
            {
                double count = Enumerable.Range(0, c.Symbols.Length).Where(t => c.Symbols[t] == symbol)
                    .Sum(t => posteriors[(t * c.States) + i]);
                sums.Emissions[(symbol * c.Model.Chain.Width) + i].ShouldBe(count, 1e-9);
            }
        }
    }, iter: 300, seed: "0000KOIPe036");

    [Fact]
    public void Logarithms_give_what_scaling_gives() => Cases.Sample(c =>
    {
        HmmStatistics scaled = new(c.Model), logs = new(c.Model);
        ForwardBackward.Expect(c.Model, HmmSequence.Of(c.Symbols), scaled, null);
        LogSpace.Expect(c.Model, HmmSequence.Of(c.Symbols), logs, null, 0);
        logs.LogLikelihood.ShouldBe(scaled.LogLikelihood, 1e-9);
        logs.Emissions.ShouldBe(scaled.Emissions, 1e-9);
        for (int i = 0; i < logs.Transitions.Length; i++)
            (logs.Transitions[i] * c.Model.Chain.Transitions[i])
                .ShouldBe(scaled.Transitions[i] * c.Model.Chain.Transitions[i], 1e-9);
    }, iter: 200, seed: "0000KOIPe036");

    [Fact]
    public void The_likeliest_path_is_no_worse_than_any_other() => Cases.Sample(c =>
    {
        (int[] path, double log) = Viterbi.Run(c.Model, HmmSequence.Of(c.Symbols));
        (int[] Path, double Probability)[] paths = [.. Paths(c.Model, c.Symbols)];
        log.ShouldBe(Math.Log(paths.Max(p => p.Probability)), 1e-9);
        paths.Single(p => p.Path.SequenceEqual(path)).Probability.ShouldBe(Math.Exp(log), 1e-9);
    }, iter: 300, seed: "0000KOIPe036");

    [Theory]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(40)]
    public void A_long_sequence_worked_at_from_both_ends_and_with_checkpoints_gives_what_one_filter_gives(int states)
    {
        (HmmModel model, _, _, _) = Make(states, 7, 1, zeros: false, seed: 5);
        var random = new SplitMix64(3);
        int[] symbols = new int[30_001];
        model.Sample(symbols.Length, new int[symbols.Length], ref random,
            (int t, int state, ref SplitMix64 r) => symbols[t] = model.Emissions.SampleSymbol(state, ref r));
        HmmSequence sequence = HmmSequence.Of(symbols);
        double filtered = model.LogLikelihoods([sequence])[0];
        HmmStatistics whole = new(model), checkpointed = new(model);
        double[] posteriors = new double[symbols.Length * states], again = new double[posteriors.Length];
        ForwardBackward.TryExpect(model, sequence, whole, posteriors).ShouldBeTrue();
        ForwardBackward.TryExpect(model, sequence, checkpointed, again, budget: 1000).ShouldBeTrue();
        whole.LogLikelihood.ShouldBe(filtered, 1e-6);
        checkpointed.LogLikelihood.ShouldBe(filtered, 1e-6);
        again.ShouldBe(posteriors, 1e-12);
        checkpointed.Transitions.ShouldBe(whole.Transitions, 1e-6);
        Enumerable.Range(0, symbols.Length)
            .Max(t => Math.Abs(posteriors.AsSpan(t * states, states).ToArray().Sum() - 1)).ShouldBeLessThan(1e-9);
        double transitions = 0;
        for (int i = 0; i < whole.Transitions.Length; i++)
            transitions += whole.Transitions[i] * model.Chain.Transitions[i];
        transitions.ShouldBe(symbols.Length - 1, 1e-6);
    }

    [Theory]
    [InlineData(8, false)]
    [InlineData(8, true)]
    [InlineData(3, true)]
    [InlineData(32, false)]
    [InlineData(43, true)]
    public void A_long_path_is_worth_what_its_steps_are_and_as_much_as_one_plain_pass_finds(int states, bool zeros)
    {
        (HmmModel model, _, _, _) = Make(states, 7, 1, zeros, seed: 5);
        var emissions = (CategoricalEmissions)model.Emissions;
        var random = new SplitMix64(4);
        int[] symbols = new int[10_001];
        model.Sample(symbols.Length, new int[symbols.Length], ref random,
            (int t, int state, ref SplitMix64 r) => symbols[t] = model.Emissions.SampleSymbol(state, ref r));
        (int[] path, double log) = Viterbi.Run(model, HmmSequence.Of(symbols));
        double[] best =
            [.. Enumerable.Range(0, states).Select(i => Math.Log(model.Chain.Start[i] * emissions.Row(symbols[0])[i]))];
        double worth = best[path[0]];
        for (int t = 1; t < symbols.Length; t++)
        {
            best = [.. Enumerable.Range(0, states)
                .Select(j => Enumerable.Range(0, states).Max(i => best[i] + Math.Log(model.Chain.Transition(i, j)))
                + Math.Log(emissions.Row(symbols[t])[j]))];
            worth += Math.Log(model.Chain.Transition(path[t - 1], path[t]))
                + Math.Log(emissions.Row(symbols[t])[path[t]]);
        }
        log.ShouldBe(best.Max(), 1e-6);
        worth.ShouldBe(log, 1e-6);
        Viterbi.Run(model, HmmSequence.Of(symbols), budget: 1000).States.ShouldBe(path);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    public void Where_all_ways_are_equally_good_the_first_state_is_taken_all_along(int states)
    {
        double share = 1.0 / states;
        var model = new HmmModel(new HmmChain([.. Enumerable.Repeat(share, states)],
            [.. Enumerable.Repeat(share, states * states)]),
            new CategoricalEmissions(states,
                Padding.Add([.. Enumerable.Repeat(1.0, states)], states, HmmKernels.Width(states))));
        Viterbi.Run(model, HmmSequence.Of(new int[5000])).States.ShouldAllBe(state => state == 0);
    }

    [Fact]
    public unsafe void Of_equally_good_ways_the_first_state_is_taken()
    {
        foreach (int width in (int[])[8, 24])
        {
            using AlignedBuffer values = new(new double[width]), row = new(new double[width]);
            ViterbiSteps.Best(values.Pointer, row.Pointer, width).ShouldBe(0);
            (values.Pointer[5], row.Pointer[6], values.Pointer[width - 1]) = (2, 2, 2);
            ViterbiSteps.Best(values.Pointer, row.Pointer, width).ShouldBe(5);
            row.Pointer[width - 1] = 1;
            ViterbiSteps.Best(values.Pointer, row.Pointer, width).ShouldBe(width - 1);
        }
    }

    [Fact]
    public void Expectation_maximisation_never_lowers_the_likelihood() => Cases.Sample(c =>
    {
        var config = new HmmConfig { EmissionPrior = 0 };
        HmmSequence[] data = [HmmSequence.Of(c.Symbols), HmmSequence.Of(c.Symbols.AsMemory(c.Symbols.Length / 2)),
            HmmSequence.Of(c.Symbols.AsMemory(0, 1))];
        HmmModel model = c.Model;
        double before = double.NegativeInfinity;
        for (int i = 0; i < 5; i++)
        {
            (model, double log) = model.Step(data, config);
            log.ShouldBeGreaterThanOrEqualTo(before - 1e-9);
            before = log;
        }
    }, iter: 100, seed: "0000KOIPe036");

    [Theory]
    [InlineData(HmmEmission.Gaussian, CovarianceShape.Spherical, 1)]
    [InlineData(HmmEmission.Gaussian, CovarianceShape.Diagonal, 3)]
    [InlineData(HmmEmission.Gaussian, CovarianceShape.Full, 2)]
    [InlineData(HmmEmission.Gaussian, CovarianceShape.Tied, 1)]
    [InlineData(HmmEmission.Poisson, CovarianceShape.Diagonal, 1)]
    [InlineData(HmmEmission.Bernoulli, CovarianceShape.Diagonal, 1)]
    [InlineData(HmmEmission.Categorical, CovarianceShape.Diagonal, 1)]
    public void Nor_does_it_with_numbers_and_it_finds_the_states_that_made_them(HmmEmission emission,
        CovarianceShape covariance, int mixtures)
    {
        var random = new SplitMix64(1);
        double[] values = new double[2 * 600];
        for (int t = 0; t < 600; t++)
        {
            bool high = t / 50 % 2 == 0;
            for (int d = 0; d < 2; d++)
            {
                values[(2 * t) + d] = emission switch
                {
                    HmmEmission.Poisson => SpecialFunctions.SamplePoisson(high ? 20 : 2, ref random),
                    HmmEmission.Bernoulli => random.NextDouble() < (high ? 0.9 : 0.1) ? 1 : 0,
                    HmmEmission.Categorical => (high ? 3 : 0) + (int)(3 * random.NextDouble()),
                    _ => (high ? 5 : -5) + random.NextNormal(),
                };
            }
        }
        HmmSequence[] data = [HmmSequence.Of(values.AsMemory(0, 400), 2), HmmSequence.Of(values.AsMemory(400), 2)];
        HmmConfig config = new()
            { MixtureCount = mixtures, Covariance = covariance, VarianceFloor = 1e-6, EmissionPrior = 0 };
        HmmModel model = HmmInitialisation.Create(config, 2, emission, data, 0, 7);
        double before = double.NegativeInfinity;
        for (int i = 0; i < 30; i++)
        {
            (model, double log) = model.Step(data, config);
            // A ridge keeps full matrices definite: they may lose what it costs.
            log.ShouldBeGreaterThanOrEqualTo(before - (covariance is CovarianceShape.Full or CovarianceShape.Tied ? 1e-2
                : 1e-6));
            before = log;
        }
        int[] path = Viterbi.Run(model, HmmSequence.Of(values, 2)).States;
        Enumerable.Range(0, 600).Count(t => (path[t] == path[0]) == (t / 50 % 2 == 0)).ShouldBeGreaterThan(590);
    }

    [Fact]
    public void Draws_have_the_model_s_frequencies()
    {
        (HmmModel model, _, int states, _) = Make(3, 4, 1, zeros: false, seed: 9);
        var random = new SplitMix64(2);
        const int count = 20_000;
        int[] path = new int[2], symbols = new int[2];
        double[,] seen = new double[4, 4];
        for (int i = 0; i < count; i++)
        {
            model.Sample(2, path, ref random,
                (int t, int state, ref SplitMix64 r) => symbols[t] = model.Emissions.SampleSymbol(state, ref r));
            seen[symbols[0], symbols[1]]++;
        }
        for (int a = 0; a < 4; a++)
        {
            for (int b = 0; b < 4; b++)
            {
                double p = Paths(model, [a, b]).Sum(path => path.Probability),
                    deviation = Math.Sqrt(count * p * (1 - p));
                seen[a, b].ShouldBeInRange((count * p) - (4.5 * deviation), (count * p) + (4.5 * deviation));
            }
        }
    }

    [Fact]
    public void What_underflows_when_scaled_is_worked_out_in_logarithms()
    {
        // The first half says state 0 as good as surely, the second state 1, and neither leaves: a product of 1e-300
        // and less.
        double[] emissions = [1 - 1e-3, 1e-3, 1e-3, 1 - 1e-3];
        var model = new HmmModel(new HmmChain([0.5, 0.5], [1, 0, 0, 1]),
            new CategoricalEmissions(2, Padding.Add(emissions, 2, 8)));
        int[] symbols = [.. Enumerable.Repeat(0, 300), .. Enumerable.Repeat(1, 300)];
        double[] posteriors = model.Posteriors(HmmSequence.Of(symbols));
        posteriors.ShouldAllBe(p => Math.Abs(p - 0.5) < 1e-9);
        (_, double log) = model.Step([HmmSequence.Of(symbols)], new HmmConfig());
        log.ShouldBe(300 * (Math.Log(1e-3) + Math.Log(1 - 1e-3)), 1e-6);
    }

    [Fact]
    public void A_row_of_zeros_and_an_impossible_sequence_are_told()
    {
        Should.Throw<AtelierException>(() =>
            new HmmChain([1, 0], [0.5, 0.5, 0, 0])).Message.ShouldContain("transitions from state 1 sum to 0");
        Should.Throw<AtelierException>(() =>
            new HmmChain([1, double.NaN], [1, 0, 0, 1])).Message.ShouldContain("not a probability");
        var model = new HmmModel(new HmmChain([1], [1]),
            new CategoricalEmissions(1, Padding.Add((double[])[1, 0], 1, 8)));
        Should.Throw<AtelierException>(() =>
            model.Step([HmmSequence.Of((int[])[0]), HmmSequence.Of((int[])[0, 0, 1])], new HmmConfig()))
            .Message.ShouldBe("sequence 2 has probability zero under the model from position 3 on");
        Should.Throw<AtelierException>(() =>
            Viterbi.Run(model, HmmSequence.Of((int[])[1]))).Message.ShouldContain("probability zero");
        model.LogLikelihoods([HmmSequence.Of((int[])[1])])[0].ShouldBe(double.NegativeInfinity);
        model.LogLikelihoods([HmmSequence.Of((int[])[0])])[0].ShouldBe(0, 1e-12);
    }

    [Fact]
    public void Left_to_right_and_sparse_models_never_learn_what_is_not_allowed()
    {
        HmmSequence[] data = [HmmSequence.Of((int[])[0, 1, 2, 0, 2, 1])];
        foreach (HmmConfig config in (HmmConfig[])[new() { Topology = HmmTopology.LeftToRight },
            new() { Topology = HmmTopology.Sparse, Transitions = ["0->0", "0->1", "1->1", "1->2", "2->2"] }])
        {
            HmmModel model = HmmInitialisation.Create(config, 3, HmmEmission.Categorical, data, 3, 1);
            for (int i = 0; i < 3; i++)
                (model, _) = model.Step(data, config);
            (model.Chain.Transition(0, 2), model.Chain.Transition(1, 0), model.Chain.Transition(2, 1))
                .ShouldBe((0, 0, 0));
            model.Chain.Transition(2, 2).ShouldBe(1);
        }
        Should.Throw<AtelierException>(() =>
            HmmInitialisation.Create(new() { Topology = HmmTopology.Sparse, Transitions = ["0->1"] }, 2,
            HmmEmission.Categorical, data, 3, 1))
            .Message.ShouldContain("there is no transition from state 1");
        Should.Throw<AtelierException>(() =>
            HmmInitialisation.Create(new() { Topology = HmmTopology.Sparse, Transitions = ["0->9"] }, 2,
            HmmEmission.Categorical, data, 3, 1))
            .Message.ShouldContain("'0->9' is not a transition");
    }
}
