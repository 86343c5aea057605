using MathNet.Numerics;

namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>Tests from counts whether two variables are independent given others. Safe for concurrent use.</summary>
/// <param name="counter">Counts the rows.</param>
/// <param name="kind">The test statistic: Pearson's χ² or the likelihood ratio G².</param>
internal sealed class IndependenceTest(FamilyCounter counter, IndependenceTestName kind)
{
    private const double MostCells = 1 << 22;

    /// <summary>
    /// Computes the p-value: the probability of a statistic at least as large if the variables are independent. 1 if
    /// the table would have more than 2²² cells.
    /// </summary>
    /// <param name="x">The index of one variable.</param>
    /// <param name="y">The index of the other variable.</param>
    /// <param name="given">The indices of the variables to condition on.</param>
    public double PValue(int x, int y, ReadOnlySpan<int> given)
    {
        (double statistic, double freedom) = Statistic(x, y, given);
        return freedom <= 0 || statistic <= 0 ? 1 : SpecialFunctions.GammaUpperRegularized(freedom / 2, statistic / 2);
    }

    /// <summary>
    /// Computes the statistic and its degrees of freedom, (states of x − 1) · (states of y − 1) · combinations of the
    /// states of the conditions (Spirtes, Glymour and Scheines 2000, section 5.5).
    /// </summary>
    public (double Statistic, double Freedom) Statistic(int x, int y, ReadOnlySpan<int> given)
    {
        int[] variables = [.. given, x, y];
        double cells = counter.Cells(variables);
        if (cells > MostCells)
            return (0, 0);
        int rows = counter.StatesOf(x), columns = counter.StatesOf(y), size = rows * columns;
        var counts = new int[(int)cells];
        counter.Count(variables, counts);
        double statistic = 0;
        Span<double> ofX = stackalloc double[rows], ofY = stackalloc double[columns];
        for (int start = 0; start < counts.Length; start += size)
            statistic += Of(counts.AsSpan(start, size), ofX, ofY);
        return (statistic, (rows - 1.0) * (columns - 1) * (counts.Length / size));
    }

    private double Of(ReadOnlySpan<int> counts, Span<double> ofX, Span<double> ofY)
    {
        ofX.Clear();
        ofY.Clear();
        double all = 0;
        for (int i = 0; i < ofX.Length; i++)
        {
            for (int j = 0; j < ofY.Length; j++)
            {
                int n = counts[(i * ofY.Length) + j];
                ofX[i] += n;
                ofY[j] += n;
                all += n;
            }
        }
        double sum = 0;
        for (int i = 0; i < ofX.Length; i++)
        {
            for (int j = 0; j < ofY.Length; j++)
            {
                double expected = ofX[i] * ofY[j] / all, n = counts[(i * ofY.Length) + j];
                if (!(expected > 0))
                    continue;
                sum += kind == IndependenceTestName.G2
                    ? n > 0 ? 2 * n * Math.Log(n / expected) : 0
                    : (n - expected) * (n - expected) / expected;
            }
        }
        return sum;
    }
}
