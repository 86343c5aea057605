using System.Globalization;
using Atelier.Abstractions;
using Atelier.Evaluation;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Models.Hmm.Emissions;

/// <summary>
/// Gaussian emissions: each state emits numbers from a mixture of normal distributions (Rabiner 1989, eq. 49 to 54).
/// </summary>
internal sealed class GaussianEmissions : HmmEmissions
{
    private readonly int _mixtures;
    private readonly int _components; // states · mixtures; the components of a state are adjacent
    private readonly CovarianceShape _shape;
    private readonly double[] _weights; // [component]: those of a state sum to 1
    private readonly double[] _means; // [component, dimension]
    // [component, dimension, dimension], or the diagonals [component, dimension]
    private readonly double[] _covariances;
    private readonly double[] _floor; // [dimension]: the smallest allowed variance
    private readonly double[] _factors; // Cholesky factors L of covariances, or standard deviations
    private readonly double[] _constants; // [component]: ln weight + ln of the density's normalising factor

    /// <summary>Creates emissions from their parameters.</summary>
    /// <param name="stateCount">The number of hidden states.</param>
    /// <param name="shape">The form of the covariance matrices.</param>
    /// <param name="weights">[states · mixtures]: the mixture weights.</param>
    /// <param name="means">[states · mixtures, dimension]: the means.</param>
    /// <param name="covariances">[states · mixtures, dimension, dimension]: the covariance matrices, repeated if tied;
    /// for spherical and diagonal forms their diagonals, [states · mixtures, dimension].</param>
    /// <param name="floor">[dimension]: the smallest allowed variance.</param>
    /// <exception cref="AtelierException">A covariance is not positive definite.</exception>
    public GaussianEmissions(int stateCount, CovarianceShape shape, double[] weights, double[] means,
        double[] covariances, double[] floor)
        : base(stateCount)
    {
        (_shape, _weights, _means, _covariances, _floor) = (shape, weights, means, covariances, floor);
        Dimension = floor.Length;
        _components = weights.Length;
        _mixtures = _components / stateCount;
        _factors = new double[covariances.Length];
        _constants = new double[_components];
        for (int component = 0; component < _components; component++)
        {
            double logDeterminant = IsDiagonal ? Deviations(component) : Factor(component);
            _constants[component] =
                Math.Log(weights[component]) - (0.5 * Dimension * Math.Log(Math.Tau)) - logDeterminant;
        }
    }

    /// <inheritdoc/>
    public override int Dimension { get; }

    /// <inheritdoc/>
    public override long FreeParameters => (_components * (long)Dimension) + _components - StateCount + _shape switch
    {
        CovarianceShape.Spherical => _components,
        CovarianceShape.Diagonal => _components * (long)Dimension,
        CovarianceShape.Full => _components * (long)Dimension * (Dimension + 1) / 2,
        _ => (long)Dimension * (Dimension + 1) / 2,
    };

    /// <inheritdoc/>
    public override long StatisticsSize => _components * (long)ComponentSize;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, (double[] Values, long[] Shape)> Tensors =>
        new Dictionary<string, (double[], long[])>
        {
            ["weights"] = (_weights, [StateCount, _mixtures]),
            ["means"] = (_means, [_components, Dimension]),
            ["covariances"] =
                (_covariances, IsDiagonal ? [_components, Dimension] : [_components, Dimension, Dimension]),
            ["floor"] = (_floor, [Dimension]),
        };

    private bool IsDiagonal => _shape is CovarianceShape.Spherical or CovarianceShape.Diagonal;

    private int CovarianceSize => IsDiagonal ? Dimension : Dimension * Dimension;

    private int ComponentSize => 1 + Dimension + CovarianceSize; // weight, first and second moments about the mean

    /// <inheritdoc/>
    public override unsafe double Likelihoods(HmmSequence sequence, int from, int count, double* likelihoods)
    {
        double logs = 0;
        ReadOnlySpan<double> values = sequence.Values.Span.Slice(from * Dimension, count * Dimension);
        Span<double> densities = new double[_mixtures], rest = new double[Dimension];
        for (int t = 0; t < count; t++, likelihoods += Width)
        {
            new Span<double>(likelihoods, Width).Clear();
            for (int state = 0; state < StateCount; state++)
                likelihoods[state] = LogDensity(values.Slice(t * Dimension, Dimension), state, densities, rest);
            logs += Exponentiate(likelihoods, StateCount);
        }
        return logs;
    }

    /// <inheritdoc/>
    public override unsafe void Accumulate(HmmSequence sequence, int from, int count, double* posteriors, double[] sums)
    {
        ReadOnlySpan<double> values = sequence.Values.Span.Slice(from * Dimension, count * Dimension);
        Span<double> densities = new double[_mixtures], rest = new double[Dimension];
        for (int t = 0; t < count; t++, posteriors += Width)
        {
            ReadOnlySpan<double> x = values.Slice(t * Dimension, Dimension);
            for (int state = 0; state < StateCount; state++)
            {
                if (posteriors[state] < 1e-300)
                    continue;
                double log = _mixtures == 1 ? 0 : LogDensity(x, state, densities, rest);
                for (int m = 0; m < _mixtures; m++)
                {
                    double share = posteriors[state] * (_mixtures == 1 ? 1 : Math.Exp(densities[m] - log));
                    AddMoments(x, (state * _mixtures) + m, share, sums);
                }
            }
        }
    }

    /// <inheritdoc/>
    public override HmmEmissions Maximise(double[] sums, HmmConfig config)
    {
        double[] weights = [.. _weights], means = [.. _means], covariances = [.. _covariances];
        for (int component = 0; component < _components; component++)
        {
            Span<double> s = sums.AsSpan(component * ComponentSize, ComponentSize);
            double state = 0;
            for (int m = 0; m < _mixtures; m++)
                state += sums[((component / _mixtures * _mixtures) + m) * ComponentSize];
            if (state > 0)
                weights[component] = Math.Max(s[0] / state, 1e-12);
            if (s[0] < 1e-9)
                continue; // no data belongs to the component: it keeps its parameters
            Span<double> covariance = covariances.AsSpan(component * CovarianceSize, CovarianceSize);
            for (int i = 0; i < Dimension; i++)
            {
                means[(component * Dimension) + i] += s[1 + i] / s[0];
                for (int j = IsDiagonal ? i : 0; j < (IsDiagonal ? i + 1 : Dimension); j++)
                {
                    int at = IsDiagonal ? i : (i * Dimension) + j;
                    covariance[at] = (s[1 + Dimension + at] / s[0]) - (s[1 + i] / s[0] * s[1 + j] / s[0]);
                }
            }
            if (_shape == CovarianceShape.Spherical)
            {
                double mean = 0;
                foreach (double variance in covariance)
                    mean += variance / Dimension;
                covariance.Fill(mean);
            }
        }
        if (_shape == CovarianceShape.Tied)
            Tie(sums, covariances);
        for (int component = 0; component < _components; component++)
        {
            for (int i = 0; i < Dimension; i++)
            {
                int at = (component * CovarianceSize) + (IsDiagonal ? i : i * (Dimension + 1));
                covariances[at] = IsDiagonal ? Math.Max(covariances[at], _floor[i])
                    : covariances[at] + (1e-3 * _floor[i]) + Math.Max(0, _floor[i] - covariances[at]);
            }
        }
        return new GaussianEmissions(StateCount, _shape, weights, means, covariances, _floor);
    }

    /// <inheritdoc/>
    public override void SampleValues(int state, ref SplitMix64 random, Span<double> values)
    {
        int component = state * _mixtures;
        double left = random.NextDouble();
        for (int m = 0; m < _mixtures - 1 && (left -= _weights[component]) >= 0; m++)
            component++;
        Span<double> normal = stackalloc double[Dimension];
        for (int i = 0; i < Dimension; i++)
        {
            normal[i] = random.NextNormal();
            values[i] = _means[(component * Dimension) + i];
            for (int j = IsDiagonal ? i : 0; j <= i; j++)
            {
                int at = IsDiagonal ? i : (i * Dimension) + j;
                values[i] += normal[j] * _factors[(component * CovarianceSize) + at];
            }
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ExplanationTable> Explain(Func<int, string> names) =>
    [
        new("emissions", ["state", "weight", "column", "mean", "deviation"],
            [.. from component in Enumerable.Range(0, _components)
                from d in Enumerable.Range(0, Dimension)
                let variance = _covariances[(component * CovarianceSize) + (IsDiagonal ? d : d * (Dimension + 1))]
                select (IReadOnlyList<CellValue>)
                [
                    new(component / _mixtures), Rounded(_weights[component]), new(names(d)),
                    Rounded(_means[(component * Dimension) + d]), Rounded(Math.Sqrt(variance)),
                ]]),
    ];

    /// <summary>The log-density of an observation in a state.</summary>
    /// <param name="x">[dimension]: the observation.</param>
    /// <param name="state">The state.</param>
    /// <param name="densities">[mixtures]: receives the weighted log-density of each component.</param>
    /// <param name="rest">[dimension]: scratch space.</param>
    private double LogDensity(ReadOnlySpan<double> x, int state, Span<double> densities, Span<double> rest)
    {
        double largest = double.NegativeInfinity;
        for (int m = 0; m < _mixtures; m++)
        {
            int component = (state * _mixtures) + m;
            densities[m] = _constants[component] - (0.5 * Distance(x, component, rest));
            largest = Math.Max(largest, densities[m]);
        }
        if (_mixtures == 1 || double.IsNegativeInfinity(largest))
            return largest;
        double sum = 0;
        foreach (double log in densities)
            sum += Math.Exp(log - largest);
        return largest + Math.Log(sum);
    }

    /// <summary>
    /// The squared Mahalanobis distance: with covariance L Lᵀ, the squared length of the z that solves L z = x − mean.
    /// </summary>
    private double Distance(ReadOnlySpan<double> x, int component, Span<double> z)
    {
        double sum = 0;
        int mean = component * Dimension, factor = component * CovarianceSize;
        for (int i = 0; i < Dimension; i++)
        {
            double value = x[i] - _means[mean + i];
            if (!IsDiagonal)
            {
                for (int j = 0; j < i; j++)
                    value -= _factors[factor + (i * Dimension) + j] * z[j];
            }
            z[i] = value / _factors[factor + (IsDiagonal ? i : i * (Dimension + 1))];
            sum += z[i] * z[i];
        }
        return sum;
    }

    // Moments about the previous mean, because raw moments would lose digits where means are far from zero.
    private void AddMoments(ReadOnlySpan<double> x, int component, double share, double[] sums)
    {
        int at = component * ComponentSize, mean = component * Dimension;
        sums[at] += share;
        for (int i = 0; i < Dimension; i++)
        {
            double weighted = share * (x[i] - _means[mean + i]);
            sums[at + 1 + i] += weighted;
            if (IsDiagonal)
            {
                sums[at + 1 + Dimension + i] += weighted * (x[i] - _means[mean + i]);
                continue;
            }
            for (int j = 0; j < Dimension; j++)
                sums[at + 1 + Dimension + (i * Dimension) + j] += weighted * (x[j] - _means[mean + j]);
        }
    }

    /// <summary>Replaces all covariances by their average, weighted by the expected counts of the components.</summary>
    private void Tie(double[] sums, double[] covariances)
    {
        double[] tied = new double[CovarianceSize];
        double all = 0;
        for (int component = 0; component < _components; component++)
        {
            double weight = sums[component * ComponentSize];
            all += weight;
            for (int at = 0; at < tied.Length && weight >= 1e-9; at++)
                tied[at] += weight * covariances[(component * CovarianceSize) + at];
        }
        for (int at = 0; at < covariances.Length && all > 0; at++)
            covariances[at] = tied[at % CovarianceSize] / all;
    }

    /// <summary>
    /// Computes a component's standard deviations; returns half the logarithm of the determinant of its covariance.
    /// </summary>
    private double Deviations(int component)
    {
        double log = 0;
        for (int i = 0; i < Dimension; i++)
        {
            double variance = _covariances[(component * Dimension) + i];
            if (!(variance > 0) || !double.IsFinite(variance))
                throw new AtelierException($"a variance is {variance.ToString(CultureInfo.InvariantCulture)}",
                    hint: "raise model.varianceFloor");
            _factors[(component * Dimension) + i] = Math.Sqrt(variance);
            log += 0.5 * Math.Log(variance);
        }
        return log;
    }

    /// <summary>
    /// Computes the Cholesky factor of a component's covariance; returns half the logarithm of the determinant.
    /// </summary>
    private double Factor(int component)
    {
        double log = 0;
        int at = component * CovarianceSize;
        for (int i = 0; i < Dimension; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = _covariances[at + (i * Dimension) + j];
                for (int k = 0; k < j; k++)
                    sum -= _factors[at + (i * Dimension) + k] * _factors[at + (j * Dimension) + k];
                if (i == j && !(sum > 0 && double.IsFinite(sum)))
                    throw new AtelierException("a covariance is not positive definite",
                        hint: "raise model.varianceFloor, or set model.covariance to diagonal");
                _factors[at + (i * Dimension) + j] = i == j ? Math.Sqrt(sum)
                    : sum / _factors[at + (j * (Dimension + 1))];
            }
            log += Math.Log(_factors[at + (i * (Dimension + 1))]);
        }
        return log;
    }
}
