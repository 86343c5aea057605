namespace Atelier.Evaluation;

/// <summary>Mathematical functions and random distributions that .NET lacks.</summary>
internal static class SpecialFunctions
{
    private static readonly double[] LogFactorials = MakeLogFactorials(256);

    /// <summary>
    /// Computes ln n!; above 255 by Stirling's series (Abramowitz and Stegun 1964, 6.1.41), with an error below 1e-12.
    /// </summary>
    public static double LogFactorial(double n)
    {
        if (n < LogFactorials.Length)
            return LogFactorials[(int)n];
        double x = n + 1, inverse = 1 / x, square = inverse * inverse;
        return ((x - 0.5) * Math.Log(x)) - x + (0.5 * Math.Log(Math.Tau))
            + (inverse * ((1.0 / 12) - (square * ((1.0 / 360) - (square / 1260)))));
    }

    /// <summary>
    /// Samples a Poisson distribution by multiplying uniform random numbers (Knuth 1969). A large rate is divided into
    /// parts, because the sum of independent Poisson variables is a Poisson variable.
    /// </summary>
    public static double SamplePoisson(double rate, ref SplitMix64 random)
    {
        const double part = 30;
        double count = 0;
        for (; rate > 0; rate -= part)
        {
            double limit = Math.Exp(-Math.Min(rate, part)), product = random.NextDouble();
            while (product > limit)
            {
                count++;
                product *= random.NextDouble();
            }
        }
        return count;
    }

    /// <summary>Returns the quantile of the standard normal distribution, by bisection.</summary>
    /// <param name="share">The probability, between 0 and 1.</param>
    public static double NormalQuantile(double share)
    {
        (double low, double high) = (-8.0, 8.0);
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = NormalDistribution(middle) < share ? (middle, high) : (low, middle);
        }
        return (low + high) / 2;
    }

    /// <summary>Returns the probability that a standard normal variable is below a value.</summary>
    public static double NormalDistribution(double z) => 0.5 * Erfc(-z / Math.Sqrt(2));

    /// <summary>The complementary error function, to 1.2e-7 (Press et al. 2007, section 6.2.2).</summary>
    private static double Erfc(double x)
    {
        double z = Math.Abs(x), t = 2 / (2 + z);
        double[] factors =
        [
            -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
            -0.82215223, 0.17087277,
        ];
        double y = t * Math.Exp((-z * z) + factors.Reverse().Aggregate((sum, factor) => (sum * t) + factor));
        return x >= 0 ? y : 2 - y;
    }

    private static double[] MakeLogFactorials(int count)
    {
        double[] logs = new double[count];
        for (int n = 2; n < count; n++)
            logs[n] = logs[n - 1] + Math.Log(n);
        return logs;
    }
}
