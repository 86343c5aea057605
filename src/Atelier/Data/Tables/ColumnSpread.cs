namespace Atelier.Data.Tables;

/// <summary>
/// The mean and the standard deviation of a numeric column, in the column's own unit. Each minimum deviation and
/// variance is a fraction of <see cref="Scale"/>, so that a model does not depend on the unit: a column in millimetres
/// and the same column in kilometres give the same model.
/// </summary>
/// <param name="Mean">The mean; 0 for a column without numbers.</param>
/// <param name="Deviation">The standard deviation; 0 for a constant column.</param>
internal readonly record struct ColumnSpread(double Mean, double Deviation)
{
    private const double ConstantShare = 1e-6;
    private const double LeastShare = 1e-12; // a double has about 16 digits: a smaller variance is a rounding error

    /// <summary>
    /// The standard deviation. For a constant column, whose deviation is 0, it is a millionth of the absolute value, or
    /// a millionth if the value is 0.
    /// </summary>
    public double Scale => Deviation > 0 ? Deviation : Mean != 0 ? ConstantShare * Math.Abs(Mean) : ConstantShare;

    /// <summary>Computes the mean and the standard deviation of numbers, ignoring missing ones (NaN).</summary>
    public static ColumnSpread Of(ReadOnlySpan<double> numbers)
    {
        double mean = 0, squares = 0, count = 0, least = double.PositiveInfinity, greatest = double.NegativeInfinity;
        foreach (double number in numbers)
        {
            if (double.IsNaN(number))
                continue;
            // Welford 1962: avoids the cancellation of subtracting two large sums.
            count++;
            double before = number - mean;
            mean += before / count;
            squares += before * (number - mean);
            (least, greatest) = (Math.Min(least, number), Math.Max(greatest, number));
        }
        return least < greatest ? new(mean, Math.Sqrt(squares / count)) : new(count == 0 ? 0 : least, 0);
    }

    /// <summary>Returns the smallest variance that a mixture component or leaf of this column may have.</summary>
    /// <param name="share">The minimum as a fraction of the column's variance, 0 to 1; for a constant column it is
    /// ignored, and the minimum is the square of <see cref="Scale"/>.</param>
    public double LeastVariance(double share) => Scale * Scale * (Deviation > 0 ? Math.Max(share, LeastShare) : 1);
}
