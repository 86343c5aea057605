using Atelier.Evaluation;

namespace Atelier.Choose;

/// <summary>A loss that a longer training is expected to reach.</summary>
/// <param name="Median">The median.</param>
/// <param name="Low">The lower end of the 90 % interval.</param>
/// <param name="High">The upper end of the 90 % interval.</param>
internal readonly record struct ForecastLoss(double Median, double Low, double High);

/// <summary>
/// Carries a learning curve on: the losses of trainings of different lengths follow a power law a + b·t^−c with an
/// asymptote (Hestness et al. 2017; Viering and Loog 2023). Few points do not determine its parameters, so the forecast
/// averages all curves of a grid over asymptotes and exponents by how well they fit, as Domhan et al. (2015) do by
/// sampling. For each curve, b is fitted by weighted least squares; the noise is one of the unknowns too, which makes
/// the fit robust.
/// </summary>
internal sealed class CurveForecast
{
    private const int Exponents = 24, Asymptotes = 30;
    private const double TypicalExponent = 0.5, ExponentSpread = 0.6; // log-normal: half of them within 0.33 to 0.75
    private const double Tail = 0.05; // outside each end of the interval
    private static readonly (double Noise, double Weight)[] Noises =
        [(0.004, 0.3), (0.01, 0.4), (0.025, 0.2), (0.06, 0.1)];

    private readonly List<Curve> _curves = [];

    /// <summary>Fits curves to the losses of trainings that ended after different numbers of steps.</summary>
    /// <param name="points">The number of steps and the loss of each training, both above 0.</param>
    /// <param name="reached">A loss that another model reached on the same data, near which the asymptote is likely to
    /// be; null if none is known.</param>
    public CurveForecast(IReadOnlyList<(double Steps, double Loss)> points, double? reached = null)
    {
        double least = Math.Min(points.Min(point => point.Loss), reached ?? double.PositiveInfinity);
        double power = reached is null ? 1 : 3; // of the prior of the asymptote: two thirds or four fifths in the mean
        foreach (double c in LogNormalQuantiles(TypicalExponent, ExponentSpread, Exponents))
        {
            for (int i = 0; i < Asymptotes; i++)
            {
                double share = (i + 0.5) / Asymptotes; // of the lowest loss so far
                foreach ((double noise, double prior) in Noises)
                    _curves.Add(Fit(points, share * least, c, noise, Math.Pow(share, power) * prior));
            }
        }
        double best = _curves.Max(curve => curve.LogWeight);
        double sum = _curves.Sum(curve => Math.Exp(curve.LogWeight - best));
        for (int i = 0; i < _curves.Count; i++)
            _curves[i] = _curves[i] with { Weight = Math.Exp(_curves[i].LogWeight - best) / sum };
    }

    /// <summary>Returns the loss to expect of a training of some length.</summary>
    /// <param name="steps">The number of steps.</param>
    public ForecastLoss At(double steps)
    {
        (double Mean, double Deviation, double Weight)[] parts =
        [
            .. _curves.Where(curve => curve.Weight > 1e-9).Select(curve =>
            {
                double x = Math.Pow(steps, -curve.C), mean = curve.A + (curve.B * x);
                // the noise of a training itself, and what the fit leaves open
                return (mean, Math.Sqrt(Math.Pow(curve.Noise * mean, 2) + Math.Pow(curve.Uncertainty * x, 2)),
                    curve.Weight);
            }),
        ];
        return new(Quantile(0.5), Quantile(Tail), Quantile(1 - Tail));

        double Quantile(double share)
        {
            double low = parts.Min(part => part.Mean - (6 * part.Deviation));
            double high = parts.Max(part => part.Mean + (6 * part.Deviation));
            for (int i = 0; i < 60; i++)
            {
                double middle = (low + high) / 2;
                double below = parts.Sum(part => part.Weight
                    * SpecialFunctions.NormalDistribution((middle - part.Mean) / part.Deviation));
                (low, high) = below < share ? (middle, high) : (low, middle);
            }
            return Math.Max(0, (low + high) / 2);
        }
    }

    private static Curve Fit(IReadOnlyList<(double Steps, double Loss)> points, double a, double c, double noise,
        double prior)
    {
        double xy = 0, xx = 0;
        foreach ((double steps, double loss) in points)
        {
            double x = Math.Pow(steps, -c), weight = 1 / Math.Pow(noise * loss, 2);
            xy += weight * x * (loss - a);
            xx += weight * x * x;
        }
        double b = Math.Max(0, xy / xx), misfit = 0;
        foreach ((double steps, double loss) in points)
        {
            double error = (loss - a - (b * Math.Pow(steps, -c))) / (noise * loss);
            misfit += error * error;
        }
        // b takes one degree of freedom: a single point says nothing of the noise
        double logLikelihood = (-misfit / 2) - ((points.Count - 1) * Math.Log(noise));
        return new(a, b, c, noise, 1 / Math.Sqrt(xx), Math.Log(prior) + logLikelihood, Weight: 0);
    }

    private static IEnumerable<double> LogNormalQuantiles(double median, double spread, int count) =>
        Enumerable.Range(0, count).Select(i =>
            median * Math.Exp(spread * SpecialFunctions.NormalQuantile((i + 0.5) / count)));

    private readonly record struct Curve(double A, double B, double C, double Noise, double Uncertainty,
        double LogWeight, double Weight);
}
