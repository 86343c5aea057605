namespace Atelier.Data.Tables;

/// <summary>
/// The centre and the spread of a column of numbers, in the column's own unit. Every least deviation and least variance
/// is a share of <see cref="Scale"/>, so that a model of a column in millimetres is that of the same column in
/// kilometres.
/// </summary>
/// <param name="Mean">The mean; 0 of a column without numbers.</param>
/// <param name="Deviation">The standard deviation, 0 of a column of one value.</param>
internal readonly record struct ColumnSpread(double Mean, double Deviation)
{
    private const double OfOneValue = 1e-6;
    private const double LeastShare = 1e-12; // a variance has about 16 digits: less than this is rounding

    /// <summary>
    /// The deviation; of a column of one value, which has none, a millionth of that value, or a millionth where it is
    /// 0.
    /// </summary>
    public double Scale => Deviation > 0 ? Deviation : Mean != 0 ? OfOneValue * Math.Abs(Mean) : OfOneValue;

    /// <summary>The spread of numbers; those that are missing (NaN) do not count.</summary>
    public static ColumnSpread Of(ReadOnlySpan<double> numbers)
    {
        double mean = 0, squares = 0, count = 0, least = double.PositiveInfinity, greatest = double.NegativeInfinity;
        foreach (double number in numbers)
        {
            if (double.IsNaN(number))
                continue;
            // Welford 1962: no difference of great sums.
            count++;
            double before = number - mean;
            mean += before / count;
            squares += before * (number - mean);
            (least, greatest) = (Math.Min(least, number), Math.Max(greatest, number));
        }
        return least < greatest ? new(mean, Math.Sqrt(squares / count)) : new(count == 0 ? 0 : least, 0);
    }

    /// <summary>The least variance that a part of the column may have.</summary>
    /// <param name="share">As a share of the column's own, 0 to 1; of a column of one value all of it.</param>
    public double LeastVariance(double share) => Scale * Scale * (Deviation > 0 ? Math.Max(share, LeastShare) : 1);
}
