using System.Globalization;
using Atelier.Data.Tables;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm;

/// <summary>
/// Initial models for training: near the distribution of all data, with small differences between the states.
/// </summary>
internal static class HmmInitialisation
{
    /// <summary>A model at random.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="states">Hidden states.</param>
    /// <param name="emission">The emission distributions.</param>
    /// <param name="sequences">The data.</param>
    /// <param name="symbols">Number of different symbols, for categorical emissions.</param>
    /// <param name="seed">Of all draws.</param>
    /// <exception cref="AtelierException">The topology is impossible, or the data is not of that kind.</exception>
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
            HmmEmission.Categorical => Categorical(states, sequences, symbols, ref random),
            HmmEmission.Poisson => Poisson(states, sequences, ref random),
            _ => Gaussian(config, states, sequences, ref random),
        });
    }

    /// <summary>[from, to]: which transitions may be.</summary>
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
        {
            double sum = 0;
            for (int symbol = 0; symbol < symbols; symbol++)
                sum += probabilities[(symbol * width) + state] = counts[symbol] * (0.1 + random.NextDouble());
            for (int symbol = 0; symbol < symbols; symbol++)
                probabilities[(symbol * width) + state] /= sum;
        }
        return new CategoricalEmissions(states, probabilities);
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
    /// Points of the data far from one another (Arthur and Vassilvitskii 2007), each column measured by its own spread.
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
