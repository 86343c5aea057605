using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Tests.Models.Hmm;

/// <summary>Hidden Markov models of rows of categories.</summary>
public sealed class ColumnEmissionsTests
{
    private static readonly int[] Sizes = [2, 3, 4];

    [Fact]
    public void The_likelihood_is_the_sum_over_all_paths_of_states()
    {
        HmmModel model = Random(states: 3, seed: 1);
        double[] values = [1, 0, 3, 0, 2, 1, 1, 1, 0, 0, 0, 2];
        double sum = 0;
        for (int path = 0; path < 81; path++)
        {
            int[] states = [path % 3, path / 3 % 3, path / 9 % 3, path / 27];
            double probability = model.Chain.Start[states[0]];
            for (int t = 0; t < 4; t++)
            {
                if (t > 0)
                    probability *= model.Chain.Transitions[(states[t - 1] * model.Chain.Width) + states[t]];
                for (int d = 0; d < 3; d++)
                    probability *= Probability(model, d, (int)values[(3 * t) + d], states[t]);
            }
            sum += probability;
        }
        model.LogLikelihoods([HmmSequence.Of(values, 3)])[0].ShouldBe(Math.Log(sum), 1e-12);
    }

    [Fact]
    public void One_column_learns_as_symbols_do()
    {
        var random = new SplitMix64(3);
        int[] symbols = [.. Enumerable.Range(0, 200).Select(_ => (int)(4 * random.NextDouble()))];
        double[] probabilities = [.. Enumerable.Range(0, 8).Select(_ => 0.1 + random.NextDouble())];
        for (int state = 0; state < 2; state++)
        {
            double sum = Enumerable.Range(0, 4).Sum(symbol => probabilities[(2 * symbol) + state]);
            for (int symbol = 0; symbol < 4; symbol++)
                probabilities[(2 * symbol) + state] /= sum;
        }
        var chain = new HmmChain([0.5, 0.5], [0.7, 0.3, 0.2, 0.8]);
        double[] padded = Padding.Add(probabilities, 2, HmmKernels.Width(2));
        var text = new HmmModel(chain, new CategoricalEmissions(2, padded));
        var column = new HmmModel(chain, new ColumnEmissions(2, [4], padded));
        HmmSequence[] asText = [HmmSequence.Of(symbols)];
        HmmSequence[] asColumn = [HmmSequence.Of(Array.ConvertAll(symbols, symbol => (double)symbol), 1)];
        for (int step = 0; step < 5; step++)
        {
            (text, double first) = text.Step(asText, new HmmConfig());
            (column, double second) = column.Step(asColumn, new HmmConfig());
            second.ShouldBe(first, 1e-9);
        }
        double[] expected = text.Emissions.Tensors["emissions"].Values;
        double[] found = column.Emissions.Tensors["emissions"].Values;
        found.Length.ShouldBe(expected.Length);
        for (int i = 0; i < found.Length; i++)
            found[i].ShouldBe(expected[i], 1e-9);
        column.FreeParameters.ShouldBe(text.FreeParameters);
    }

    [Fact]
    public void Thirty_columns_of_zeros_and_ones_give_their_planted_probabilities()
    {
        const int states = 3, columns = 30, rows = 6000;
        var random = new SplitMix64(5);
        double[,] planted = new double[states, columns];
        for (int i = 0; i < planted.Length; i++)
            planted[i / columns, i % columns] = 0.1 + (0.8 * random.NextDouble());
        double[] values = new double[rows * columns];
        int[] made = new int[rows];
        for (int t = 0; t < rows; t++)
        {
            made[t] = t > 0 && random.NextDouble() < 0.9 ? made[t - 1] : (int)(states * random.NextDouble());
            for (int d = 0; d < columns; d++)
                values[(t * columns) + d] = random.NextDouble() < planted[made[t], d] ? 1 : 0;
        }
        HmmSequence[] data = [HmmSequence.Of(values, columns)];
        HmmModel model = HmmInitialisation.Create(new HmmConfig(), states, HmmEmission.Bernoulli, data, 0, 11);
        for (int i = 0; i < 60; i++)
            model = model.Step(data, new HmmConfig()).Model;
        int[] path = Viterbi.Run(model, data[0]).States;
        for (int state = 0; state < states; state++)
        {
            // The learned state is the one that is found where the planted one was.
            int learned = Enumerable.Range(0, rows).Where(t => made[t] == state).GroupBy(t => path[t])
                .MaxBy(group => group.Count())!.Key;
            for (int d = 0; d < columns; d++)
                Probability(model, d, 1, learned).ShouldBe(planted[state, d], 0.06, $"state {state}, column {d}");
        }
    }

    [Fact]
    public void Samples_have_the_probabilities_and_unknown_categories_none()
    {
        HmmModel model = Random(states: 2, seed: 7);
        var random = new SplitMix64(9);
        const int count = 20_000;
        int[][] seen = [.. Sizes.Select(size => new int[size])];
        double[] row = new double[3];
        for (int i = 0; i < count; i++)
        {
            model.Emissions.SampleValues(1, ref random, row);
            for (int d = 0; d < 3; d++)
                seen[d][(int)row[d]]++;
        }
        for (int d = 0; d < 3; d++)
        {
            for (int category = 0; category < Sizes[d]; category++)
                (seen[d][category] / (double)count).ShouldBe(Probability(model, d, category, 1), 0.015);
        }
        foreach (double[] unknown in (double[][])[[2, 0, 0], [0, -1, 0], [0, 0, 1.5], [0, 0, double.NaN]])
            model.LogLikelihoods([HmmSequence.Of(unknown, 3)])[0].ShouldBe(double.NegativeInfinity);
    }

    private static double Probability(HmmModel model, int column, int category, int state)
    {
        double[] sizes = model.Emissions.Tensors["sizes"].Values;
        int at = (int)sizes.Take(column).Sum() + category;
        return model.Emissions.Tensors["emissions"].Values[(at * model.StateCount) + state];
    }

    private static HmmModel Random(int states, ulong seed)
    {
        var random = new SplitMix64(seed);
        double[] values = [.. Enumerable.Range(0, 300).SelectMany(_ => Sizes)
            .Select(size => Math.Floor(size * random.NextDouble()))];
        return HmmInitialisation.Create(new HmmConfig(), states, HmmEmission.Categorical,
            [HmmSequence.Of(values, 3)], 0, seed);
    }
}
