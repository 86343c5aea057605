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

    private static double[] MakeLogFactorials(int count)
    {
        double[] logs = new double[count];
        for (int n = 2; n < count; n++)
            logs[n] = logs[n - 1] + Math.Log(n);
        return logs;
    }
}
