namespace Atelier.Generation.Explaining;

/// <summary>Gauss-Legendre quadrature on the interval from 0 to 1.</summary>
internal static class GaussLegendre
{
    /// <summary>Returns the points of the rule, in ascending order, and their weights, which sum to 1.</summary>
    /// <param name="count">The number of points n; the rule is exact for polynomials of degree up to 2n − 1.</param>
    public static (double[] Points, double[] Weights) Rule(int count)
    {
        double[] points = new double[count], weights = new double[count];
        for (int i = 0; i < count; i++)
        {
            // Newton's method from Tricomi's estimate of the root of the Legendre polynomial
            double x = -Math.Cos(Math.PI * (i + 0.75) / (count + 0.5)), slope = 0;
            for (double step = 1; Math.Abs(step) > 1e-15;)
            {
                (double value, slope) = Legendre(count, x);
                step = value / slope;
                x -= step;
            }
            (points[i], weights[i]) = ((1 + x) / 2, 1 / ((1 - x * x) * slope * slope));
        }
        return (points, weights);
    }

    /// <summary>Returns the Legendre polynomial of a degree at x, and its derivative there.</summary>
    private static (double Value, double Slope) Legendre(int degree, double x)
    {
        (double previous, double value) = (1, x);
        for (int n = 2; n <= degree; n++)
            (previous, value) = (value, ((2 * n - 1) * x * value - (n - 1) * previous) / n);
        return (value, degree * (x * value - previous) / (x * x - 1));
    }
}
