using System.Globalization;
using Atelier.Data.Tables;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm;

/// <summary>
/// Creates initial models for training: every state starts near the distribution of all data, with small random
/// differences between the states.
/// </summary>
internal static class HmmInitialisation
{
    private const int MostCategories = 1000; // of a column

    /// <summary>Creates a random initial model.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="states">The number of hidden states, 1 to 4096.</param>
    /// <param name="emission">The emission distributions.</param>
    /// <param name="sequences">The data.</param>
    /// <param name="symbols">Number of different symbols, for categorical emissions.</param>
    /// <param name="seed">The seed of all random numbers.</param>
    /// <exception cref="AtelierException">A state has no allowed transition, a transition names a state that does not
    /// exist, or the data does not suit the emission distribution.</exception>
    public static HmmModel Create(HmmConfig config, int states, HmmEmission emission,
        IReadOnlyList<HmmSequence> sequences, int symbols, ulong seed)
    {
        if (states is < 1 or > 4096)
            throw new AtelierException($"{states} states are asked for", "model.stateCounts", "allowed: 1 to 4096");
        var random = new SplitMix64(seed);
        bool[] allowed = Allowed(config, states);
        double[] transitions = new double[states * states];
        for (int i = 0; i < states; i++)
        {
            double sum = 0;
            for (int j = 0; j < states; j++)
                sum += transitions[(i * states) + j] = allowed[(i * states) + j] ? 0.5 + random.NextDouble() : 0;
            if (sum == 0)
                throw new AtelierException($"there is no transition from state {i}", "model.transitions",
                    $"add one, such as {i}->{i}");
            for (int j = 0; j < states; j++)
                transitions[(i * states) + j] /= sum;
        }
        double[] start = new double[states];
        for (int i = 0; i < states; i++)
            start[i] = config.Topology == HmmTopology.LeftToRight ? (i == 0 ? 1 : 0) : 1.0 / states;
        return new HmmModel(new HmmChain(start, transitions), emission switch
        {
            HmmEmission.Categorical when symbols > 0 => Categorical(states, sequences, symbols, ref random),
            HmmEmission.Categorical or HmmEmission.Bernoulli =>
                Columns(states, sequences, emission == HmmEmission.Bernoulli ? 2 : MostCategories, ref random),
            HmmEmission.Poisson => Poisson(states, sequences, ref random),
            _ => Gaussian(config, states, sequences, ref random),
        });
    }

    /// <summary>[from, to]: which transitions the topology allows.</summary>
    private static bool[] Allowed(HmmConfig config, int states)
    {
        bool[] allowed = new bool[states * states];
        if (config.Topology == HmmTopology.Sparse)
        {
            foreach (string text in config.Transitions)
            {
                string[] ends = text.Split("->");
                if (ends.Length != 2
                    || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int from)
                    || !int.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out int to)
                    || from >= states || to >= states)
                    throw new AtelierException($"'{text}' is not a transition between {states} states",
                        "model.transitions", "write for example 0->1");
                allowed[(from * states) + to] = true;
            }
            return allowed;
        }
        for (int i = 0; i < states; i++)
        {
            for (int j = 0; j < states; j++)
                allowed[(i * states) + j] = config.Topology == HmmTopology.Ergodic || (j >= i && j <= i + config.Jump);
        }
        return allowed;
    }

    private static CategoricalEmissions Categorical(int states, IReadOnlyList<HmmSequence> sequences, int symbols,
        ref SplitMix64 random)
    {
        double[] counts = new double[symbols];
        Array.Fill(counts, 0.01);
        foreach (HmmSequence sequence in sequences)
        {
            foreach (int symbol in sequence.Symbols.Span)
                counts[symbol]++;
        }
        int width = HmmKernels.Width(states);
        double[] probabilities = new double[symbols * width];
        for (int state = 0; state < states; state++)
            Vary(counts, probabilities, width, state, 0, symbols, ref random);
        return new CategoricalEmissions(states, probabilities);
    }

    /// <summary>Fills a state's probabilities of categories with their shares of the data, each varied.</summary>
    private static void Vary(double[] counts, double[] probabilities, int width, int state, int from, int to,
        ref SplitMix64 random)
    {
        double sum = 0;
        for (int category = from; category < to; category++)
            sum += probabilities[(category * width) + state] = counts[category] * (0.1 + random.NextDouble());
        for (int category = from; category < to; category++)
            probabilities[(category * width) + state] /= sum;
    }

    private static ColumnEmissions Columns(int states, IReadOnlyList<HmmSequence> sequences, int most,
        ref SplitMix64 random)
    {
        int dimension = sequences[0].Values.Length / sequences[0].Length;
        int[] sizes = new int[dimension];
        Array.Fill(sizes, 2); // so that a column that never changed in training may change later
        foreach (HmmSequence sequence in sequences)
        {
            ReadOnlySpan<double> values = sequence.Values.Span;
            for (int i = 0; i < values.Length; i++)
            {
                if (!(values[i] >= 0 && values[i] < most) || values[i] != Math.Floor(values[i]))
                    throw new AtelierException(FormattableString.Invariant(
                        $"{values[i]} is not a category from 0 to {most - 1}"), "data.source",
                        most == 2 ? "Bernoulli emissions need zeros and ones; set model.emission to categorical"
                            : "number the categories of each column from 0, or set model.emission to gaussian");
                sizes[i % dimension] = Math.Max(sizes[i % dimension], (int)values[i] + 1);
            }
        }
        int width = HmmKernels.Width(states), total = sizes.Sum();
        double[] counts = new double[total], probabilities = new double[total * width];
        Array.Fill(counts, 0.01);
        int[] offsets = ColumnEmissions.Offsets(sizes);
        foreach (HmmSequence sequence in sequences)
        {
            for (int i = 0; i < sequence.Values.Length; i++)
                counts[offsets[i % dimension] + (int)sequence.Values.Span[i]]++;
        }
        for (int state = 0; state < states; state++)
        {
            for (int d = 0; d < dimension; d++)
                Vary(counts, probabilities, width, state, offsets[d], offsets[d] + sizes[d], ref random);
        }
        return new ColumnEmissions(states, sizes, probabilities);
    }

    private static PoissonEmissions Poisson(int states, IReadOnlyList<HmmSequence> sequences, ref SplitMix64 random)
    {
        foreach (double value in sequences.SelectMany(s => s.Values.ToArray()))
        {
            if (value < 0 || value != Math.Floor(value))
                throw new AtelierException(FormattableString.Invariant($"{value} is not a count"), "data.source",
                    "Poisson emissions need whole numbers from 0; set model.emission to gaussian");
        }
        ColumnSpread[] spreads = Spreads(sequences);
        int dimension = spreads.Length;
        double[] rates = new double[states * dimension];
        double[] centres = Centres(states, sequences, spreads, ref random);
        for (int i = 0; i < rates.Length; i++)
            rates[i] = Math.Max(0.1 * spreads[i % dimension].Mean, centres[i]) + 1e-3;
        return new PoissonEmissions(states, rates, dimension);
    }

    private static GaussianEmissions Gaussian(HmmConfig config, int states, IReadOnlyList<HmmSequence> sequences,
        ref SplitMix64 random)
    {
        ColumnSpread[] spreads = Spreads(sequences);
        int dimension = spreads.Length;
        double[] variances = Array.ConvertAll(spreads, spread => spread.Scale * spread.Scale);
        int components = states * config.MixtureCount;
        bool diagonal = config.Covariance is CovarianceShape.Spherical or CovarianceShape.Diagonal;
        double[] floor = Array.ConvertAll(spreads, spread => spread.LeastVariance(config.VarianceFloor));
        double[] covariances = new double[components * (diagonal ? dimension : dimension * dimension)];
        for (int component = 0; component < components; component++)
        {
            for (int i = 0; i < dimension; i++)
            {
                double variance = config.Covariance == CovarianceShape.Spherical ? variances.Average() : variances[i];
                covariances[diagonal ? (component * dimension) + i : (((component * dimension) + i) * dimension) + i] =
                    Math.Max(variance, floor[i]);
            }
        }
        double[] weights = new double[components];
        Array.Fill(weights, 1.0 / config.MixtureCount);
        return new GaussianEmissions(states, config.Covariance, weights,
            Centres(components, sequences, spreads, ref random), covariances, floor);
    }

    /// <summary>
    /// Chooses points of the data that lie far apart, as k-means++ does (Arthur and Vassilvitskii 2007). Each column is
    /// divided by its own scale.
    /// </summary>
    private static double[] Centres(int count, IReadOnlyList<HmmSequence> sequences, ColumnSpread[] spreads,
        ref SplitMix64 random)
    {
        int dimension = spreads.Length;
        double[][] points = [.. sequences.SelectMany(s => s.Values.ToArray().Chunk(dimension)).Take(100_000)];
        double[] distances = new double[points.Length];
        Array.Fill(distances, 1);
        double[] centres = new double[count * dimension];
        for (int centre = 0; centre < count; centre++)
        {
            double[] chosen = points[HmmModel.Sample(distances, ref random)];
            chosen.CopyTo(centres, centre * dimension);
            for (int p = 0; p < points.Length; p++)
            {
                double distance = 0;
                for (int d = 0; d < dimension; d++)
                    distance += Math.Pow((points[p][d] - chosen[d]) / spreads[d].Scale, 2);
                distances[p] = centre == 0 ? distance + 1e-12 : Math.Min(distances[p], distance + 1e-12);
            }
        }
        return centres;
    }

    private static ColumnSpread[] Spreads(IReadOnlyList<HmmSequence> sequences)
    {
        double[] all = [.. sequences.SelectMany(s => s.Values.ToArray())];
        int dimension = sequences[0].Dimension;
        return [.. Enumerable.Range(0, dimension).Select(d =>
            ColumnSpread.Of([.. all.Where((_, i) => i % dimension == d)]))];
    }
}
