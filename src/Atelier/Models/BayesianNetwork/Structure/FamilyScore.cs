using MathNet.Numerics;

namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>
/// Computes the score of a variable given its parents. The score of a network is the sum over its variables. Higher is
/// better. Safe for concurrent use.
/// </summary>
internal sealed class FamilyScore
{
    private const int MostCells = 1 << 20;

    private readonly FamilyCounter _counter;
    private readonly NetworkScore _kind;
    private readonly double _equivalentSampleSize;
    private readonly double[] _ofCount; // [n]: ln n! for K2, otherwise n ln n

    /// <summary>Creates a score, and tabulates the logarithms that it needs.</summary>
    /// <param name="counter">Counts the rows.</param>
    /// <param name="kind">The kind of score.</param>
    /// <param name="equivalentSampleSize">For BDeu: the equivalent sample size, above 0.</param>
    public FamilyScore(FamilyCounter counter, NetworkScore kind, double equivalentSampleSize)
    {
        (_counter, _kind, _equivalentSampleSize) = (counter, kind, equivalentSampleSize);
        _ofCount = new double[counter.Data.RowCount + 1];
        for (int n = 1; n < _ofCount.Length; n++)
            _ofCount[n] = kind == NetworkScore.K2 ? _ofCount[n - 1] + Math.Log(n) : n * Math.Log(n);
    }

    /// <summary>The counter of the rows.</summary>
    public FamilyCounter Counter => _counter;

    /// <summary>
    /// Computes the score of a variable given its parents; −∞ if its table would have more than 2²⁰ cells.
    /// </summary>
    public double Of(int child, ReadOnlySpan<int> parents)
    {
        Span<int> family = stackalloc int[parents.Length + 1];
        parents.CopyTo(family);
        family[^1] = child;
        double cells = _counter.Cells(family);
        if (cells > MostCells)
            return double.NegativeInfinity;
        Span<int> counts = cells <= 4096 ? stackalloc int[(int)cells] : new int[(int)cells];
        _counter.Count(family, counts);
        int states = _counter.StatesOf(child);
        return _kind switch
        {
            NetworkScore.Bdeu => Bdeu(counts, states),
            NetworkScore.K2 => K2(counts, states),
            NetworkScore.Aic => LogLikelihood(counts, states) - Parameters(counts, states),
            _ => LogLikelihood(counts, states) - (Math.Log(_counter.Data.RowCount) / 2 * Parameters(counts, states)),
        };
    }

    private static double Parameters(ReadOnlySpan<int> counts, int states) =>
        (double)(counts.Length / states) * (states - 1);

    // ∑ n_jk ln (n_jk / n_j)
    private double LogLikelihood(ReadOnlySpan<int> counts, int states)
    {
        double sum = 0;
        for (int start = 0; start < counts.Length; start += states)
        {
            int all = 0;
            for (int state = 0; state < states; state++)
            {
                int count = counts[start + state];
                all += count;
                sum += _ofCount[count];
            }
            sum -= _ofCount[all];
        }
        return sum;
    }

    // Heckerman, Geiger and Chickering 1995, eq. 28 with α_jk = N′ / (rows · states): Buntine 1991.
    private double Bdeu(ReadOnlySpan<int> counts, int states)
    {
        double ofRow = _equivalentSampleSize / (counts.Length / states), ofCell = _equivalentSampleSize / counts.Length;
        double logGammaOfRow = SpecialFunctions.GammaLn(ofRow), logGammaOfCell = SpecialFunctions.GammaLn(ofCell);
        double sum = 0;
        for (int start = 0; start < counts.Length; start += states)
        {
            int all = 0;
            foreach (int count in counts.Slice(start, states))
            {
                all += count;
                if (count > 0)
                    sum += SpecialFunctions.GammaLn(ofCell + count) - logGammaOfCell;
            }
            if (all > 0)
                sum += logGammaOfRow - SpecialFunctions.GammaLn(ofRow + all);
        }
        return sum;
    }

    // Cooper and Herskovits 1992, eq. 8: ∏ (states − 1)! / (n_j + states − 1)! ∏ n_jk!
    private double K2(ReadOnlySpan<int> counts, int states)
    {
        double sum = 0;
        for (int start = 0; start < counts.Length; start += states)
        {
            int all = 0;
            foreach (int count in counts.Slice(start, states))
            {
                all += count;
                sum += _ofCount[count];
            }
            sum += SpecialFunctions.FactorialLn(states - 1) - SpecialFunctions.FactorialLn(all + states - 1);
        }
        return sum;
    }
}
