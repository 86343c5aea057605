namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Sums the weights of sampled rows for several distributions at once. Weights are given as logarithms and may be of
/// any magnitude.
/// </summary>
internal sealed class WeightedCounts
{
    private const double Quantile = 1.959964; // of the standard normal distribution, for 95 % confidence

    private readonly double[][] _sums;
    private readonly double[][] _squares;
    private double _logScale = double.NegativeInfinity;
    private double _sum;
    private double _squareSum;

    /// <summary>Creates empty counts.</summary>
    /// <param name="cells">The number of probabilities of each distribution.</param>
    public WeightedCounts(IReadOnlyList<int> cells)
    {
        _sums = [.. cells.Select(n => new double[n])];
        _squares = [.. cells.Select(n => new double[n])];
    }

    /// <summary>The number of rows added, including those of weight zero.</summary>
    public long Rows { get; private set; }

    /// <summary>The effective sample size; 0 if no row has a weight.</summary>
    public double EffectiveRows => _squareSum > 0 ? Math.Min(Rows, _sum * _sum / _squareSum) : 0;

    /// <summary>Adds a row.</summary>
    /// <param name="logWeight">The logarithm of the row's weight; −∞ for weight zero.</param>
    /// <param name="places">The index of the cell of each distribution that the row falls into.</param>
    public void Add(double logWeight, ReadOnlySpan<int> places)
    {
        Rows++;
        if (double.IsNegativeInfinity(logWeight))
            return;
        Rescale(logWeight);
        double weight = Math.Exp(logWeight - _logScale);
        _sum += weight;
        _squareSum += weight * weight;
        for (int i = 0; i < _sums.Length; i++)
        {
            _sums[i][places[i]] += weight;
            _squares[i][places[i]] += weight * weight;
        }
    }

    /// <summary>Adds the rows of other counts.</summary>
    public void Add(WeightedCounts other)
    {
        Rows += other.Rows;
        if (double.IsNegativeInfinity(other._logScale))
            return;
        Rescale(other._logScale);
        double scale = Math.Exp(other._logScale - _logScale);
        _sum += other._sum * scale;
        _squareSum += other._squareSum * scale * scale;
        for (int i = 0; i < _sums.Length; i++)
        {
            for (int cell = 0; cell < _sums[i].Length; cell++)
            {
                _sums[i][cell] += other._sums[i][cell] * scale;
                _squares[i][cell] += other._squares[i][cell] * scale * scale;
            }
        }
    }

    /// <summary>
    /// Estimates the distributions with 95 % confidence intervals. Each interval covers both the Wilson interval of the
    /// effective sample size, which holds near 0 and 1, and the interval from the variance of the weights (Owen 2013,
    /// section 9.2).
    /// </summary>
    public Posterior[] Estimate() => [.. Enumerable.Range(0, _sums.Length).Select(i =>
    {
        double[] p = Array.ConvertAll(_sums[i], s => s / _sum), low = new double[p.Length], high = new double[p.Length];
        double n = EffectiveRows, z2 = Quantile * Quantile;
        for (int cell = 0; cell < p.Length; cell++)
        {
            double centre = (p[cell] + (z2 / (2 * n))) / (1 + (z2 / n));
            double wilson = Quantile / (1 + (z2 / n)) * Math.Sqrt((p[cell] * (1 - p[cell]) / n) + (z2 / (4 * n * n)));
            double square = _squares[i][cell];
            double spread = (square * (1 - p[cell]) * (1 - p[cell])) + ((_squareSum - square) * p[cell] * p[cell]);
            double delta = Quantile * Math.Sqrt(Math.Max(0, spread)) / _sum;
            low[cell] = Math.Max(0, Math.Min(centre - wilson, p[cell] - delta));
            high[cell] = Math.Min(1, Math.Max(centre + wilson, p[cell] + delta));
        }
        return new Posterior(p, new Sampling(Rows, EffectiveRows, low, high));
    })];

    private void Rescale(double logWeight)
    {
        if (logWeight <= _logScale)
            return;
        double shrink = Math.Exp(_logScale - logWeight);
        _logScale = logWeight;
        _sum *= shrink;
        _squareSum *= shrink * shrink;
        foreach (double[] sums in _sums)
        {
            foreach (ref double sum in sums.AsSpan())
                sum *= shrink;
        }
        foreach (double[] squares in _squares)
        {
            foreach (ref double square in squares.AsSpan())
                square *= shrink * shrink;
        }
    }
}
