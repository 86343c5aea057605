using MathNet.Numerics.Distributions;

namespace Atelier.Evaluation.Ratings;

/// <summary>Computes how many answers are needed to tell two models apart.</summary>
public static class SampleSize
{
    /// <summary>
    /// Returns the number of direct comparisons after which a difference between two models is found with a given
    /// probability: (z(1 - α/2) √ψ + z(power) √(ψ - d²))² / d² (Connor 1987, p. 209), where d is the difference and ψ
    /// the share of answers that are not ties. It is the normal approximation of the two-sided sign test.
    /// </summary>
    /// <param name="difference">
    /// The difference between the win rates of the two models, above 0 and below 1: 0.1 if the one is preferred in 55 %
    /// of answers and the other in 45 %, where ties count as half a win for each.
    /// </param>
    /// <param name="tieRate">The share of answers that are ties, from 0 to 1 - <paramref name="difference"/>.</param>
    /// <param name="power">The probability of finding the difference, from 0.5 to below 1.</param>
    /// <param name="significance">The two-sided significance level α, above 0 and below 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
    public static int Answers(double difference, double tieRate = 0, double power = 0.8, double significance = 0.05)
    {
        Require(difference is > 0 and < 1, difference, nameof(difference));
        Require(tieRate >= 0 && tieRate <= 1 - difference, tieRate, nameof(tieRate));
        Require(power is >= 0.5 and < 1, power, nameof(power));
        Require(significance is > 0 and < 1, significance, nameof(significance));
        double decided = 1 - tieRate;
        double root = (Quantile(1 - (significance / 2)) * Math.Sqrt(decided))
            + (Quantile(power) * Math.Sqrt(decided - (difference * difference)));
        return (int)Math.Min(int.MaxValue, Math.Ceiling(root * root / (difference * difference)));
    }

    private static double Quantile(double probability) => Normal.InvCDF(0, 1, probability);

    private static void Require(bool isInRange, double value, string name)
    {
        if (!isInRange)
            throw new ArgumentOutOfRangeException(name, value, "is out of range");
    }
}
