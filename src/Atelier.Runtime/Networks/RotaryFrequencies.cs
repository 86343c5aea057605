namespace Atelier.Networks;

/// <summary>
/// Computes the angles by which rotary embedding rotates the pairs of a head from one position to the next.
/// </summary>
public static class RotaryFrequencies
{
    /// <summary>Returns the angle of each pair.</summary>
    /// <param name="headSize">The width of a head; even.</param>
    /// <param name="theta">The base of the geometric series of angles.</param>
    /// <param name="scaling">The scaling of the angles; null for none.</param>
    /// <returns>The angles, [headSize / 2], in radians.</returns>
    public static double[] Of(int headSize, double theta, RotaryScaling? scaling) =>
        [.. Enumerable.Range(0, headSize / 2).Select(i =>
        {
            double frequency = Math.Pow(theta, -2.0 * i / headSize); // Su et al. 2021, eq. 15
            return scaling is null ? frequency : frequency / Divisor(scaling, i, frequency, headSize, theta);
        })];

    /// <summary>Returns the divisor of each pair's angle under a scaling.</summary>
    /// <inheritdoc cref="Of" path="/param"/>
    /// <returns>The divisors, [headSize / 2].</returns>
    public static double[] Divisors(int headSize, double theta, RotaryScaling scaling) =>
        [.. Of(headSize, theta, null).Zip(Of(headSize, theta, scaling), (whole, divided) => whole / divided)];

    /// <summary>
    /// Returns the factor of cosines and sines: 1, or for YaRN the given factor or else 0.1 ln(factor) + 1 (Peng et al.
    /// 2023, eq. 22).
    /// </summary>
    public static double Amplitude(RotaryScaling? scaling) => scaling is { Name: RotaryScalingName.Yarn }
        ? scaling.AttentionFactor ?? ((0.1 * Math.Log(Math.Max(1, scaling.Factor))) + 1)
        : 1;

    private static double Divisor(RotaryScaling scaling, int i, double frequency, int headSize, double theta) =>
        scaling.Name switch
    {
        RotaryScalingName.Linear => scaling.Factor,
        RotaryScalingName.Llama3 => Llama3Divisor(scaling, frequency),
        _ => YarnDivisor(scaling, i, headSize, theta),
    };

    private static double Llama3Divisor(RotaryScaling scaling, double frequency)
    {
        double rotations = scaling.OriginalContextLength * frequency / (2 * Math.PI); // over the original context
        double range = scaling.HighFrequencyFactor - scaling.LowFrequencyFactor;
        double kept = Math.Clamp((rotations - scaling.LowFrequencyFactor) / range, 0, 1);
        return 1 / (((1 - kept) / scaling.Factor) + kept);
    }

    private static double YarnDivisor(RotaryScaling scaling, int i, int headSize, double theta)
    {
        // The pair that makes a number of rotations over the original context (Peng et al. 2023, eq. 17 to 20).
        double Pair(double rotations) =>
            headSize * Math.Log(scaling.OriginalContextLength / (rotations * 2 * Math.PI)) / (2 * Math.Log(theta));
        double low = Math.Max(Math.Floor(Pair(scaling.BetaFast)), 0),
            high = Math.Min(Math.Ceiling(Pair(scaling.BetaSlow)), headSize - 1);
        double scaled = Math.Clamp((i - low) / Math.Max(high - low, 0.001), 0, 1);
        return 1 / ((scaled / scaling.Factor) + 1 - scaled);
    }
}
