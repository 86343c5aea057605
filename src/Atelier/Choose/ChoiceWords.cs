using System.Globalization;
using Atelier.Evaluation;
using Atelier.Tasks;

namespace Atelier.Choose;

/// <summary>Says in words why a candidate is recommended, and what would make it better.</summary>
internal static class ChoiceWords
{
    private const double Little = 0.01; // a gain of less than this share is not worth the effort
    private const double WideGap = 0.15; // of the training loss to the validation loss
    private const double AsGood = 0.03;

    /// <summary>Returns why the first of the candidates is recommended.</summary>
    /// <param name="candidates">The candidates in the order of their expected figures.</param>
    /// <param name="headline">The metric.</param>
    public static IReadOnlyList<string> Reasons(IReadOnlyList<ChoiceCandidate> candidates, Headline headline)
    {
        ChoiceCandidate best = candidates[0];
        Metric expected = best.Expected!;
        var reasons = new List<string>
        {
            best.IsMeasured
                ? $"{best.Name} was trained in full: {headline.Metric} {expected.ToText()} {headline.Unit} on the "
                    + "validation part"
                : $"{best.Name} is expected to reach {headline.Metric} {Text(expected.Value)} {headline.Unit}, with "
                    + $"90 % certainty {Text(expected.Low)} to {Text(expected.High)}, after "
                    + $"{Quantity.Duration(best.Seconds!.Value)} of training ({Quantity.Of(best.Steps, "step")})",
        };
        ChoiceCandidate? other = candidates.Skip(1)
            .FirstOrDefault(candidate => candidate.Family != best.Family && candidate.Expected is not null);
        if (other?.Expected is { } second)
        {
            bool apart = headline.MoreIsBetter ? second.High < expected.Low : second.Low > expected.High;
            reasons.Add($"the best of another family is {other.Name} with {Text(second.Value)}: "
                + (apart ? "their intervals do not overlap"
                    : "their intervals overlap, so the order may be the other way"));
        }
        ChoiceCandidate? cheap = candidates.Skip(1).Where(candidate => candidate.Expected is { } figure
                && Behind(figure.Value, expected.Value) <= AsGood && candidate.Seconds < best.Seconds / 2)
            .MinBy(candidate => candidate.Seconds);
        if (cheap is not null)
            reasons.Add($"{cheap.Name} is expected to be within {DataLooks.Percent(AsGood)} of it in "
                + $"{Quantity.Duration(cheap.Seconds!.Value)}: take it if time is short");
        return reasons;
    }

    /// <summary>Returns by how much a value is worse than the best one, as a share of it.</summary>
    public static double Behind(double value, double best) => Math.Abs(value - best) / Math.Max(1e-9, Math.Abs(best));

    /// <summary>Returns what would make the recommended model better, the most helpful first.</summary>
    /// <param name="best">The recommended candidate.</param>
    /// <param name="others">All candidates, by which the effect of the size is judged.</param>
    /// <param name="reached">The lowest loss of the models that were trained in full; null if there are none.</param>
    /// <param name="amounts">The losses after equal trainings on shares of the training data; empty if they were not
    /// measured.</param>
    public static IReadOnlyList<string> Improvements(Contender best, IReadOnlyList<Contender> others,
        double? reached, IReadOnlyList<(double Share, double Loss)> amounts)
    {
        var found = new List<(double Gain, string Text)>();
        if (best.Candidate.TakesSteps && best.Trials.Count > 1)
        {
            CurveForecast forecast = best.Forecast(reached);
            double once = forecast.At(best.Candidate.FullSteps).Median;
            double gain = 1 - (forecast.At(2 * best.Candidate.FullSteps).Median / once);
            found.Add((gain, gain < Little
                ? "training longer would gain little: the learning curve is nearly flat at the end"
                : $"training twice as long should lower the loss by about {DataLooks.Percent(gain)}"));
        }
        if (amounts.Count > 1)
        {
            var forecast = new CurveForecast(amounts);
            double gain = 1 - (forecast.At(2).Median / forecast.At(1).Median);
            double lost = (amounts[0].Loss / amounts[^1].Loss) - 1;
            found.Add((gain, lost < Little
                ? "more data alone would gain little: an equally short training on "
                    + $"{DataLooks.Percent(amounts[0].Share)} of them is as good; train longer or larger first"
                : $"twice the data should lower the loss by about {DataLooks.Percent(Math.Max(0, gain))}: on "
                    + $"{DataLooks.Percent(amounts[0].Share)} of them it is {DataLooks.Percent(lost)} higher"));
        }
        Trial last = best.Trials[^1];
        if (last is { TrainingLoss: > 0 and var training, ValidationLoss: { } validation }
            && validation > training * (1 + WideGap))
            found.Add((Little, "the loss on held-out data is well above that on training data: more data, dropout, "
                + "augmentation, or a model to start from would help"));
        Contender[] same = [.. others.Where(other => other.Candidate.Family == best.Candidate.Family
            && other.Trials.Count > 0 && other.Trials[0].Footprint is not null)];
        if (same.Length > 1 && best.Trials[0].Footprint is { } own
            && same.All(other => other.Trials[0].Footprint!.Bytes <= own.Bytes)
            && same.Any(other => other.Trials[0].Footprint!.Bytes < own.Bytes))
            found.Add((Little, "the largest size of its family did best: a larger one may do better still"));
        return [.. found.OrderByDescending(one => one.Gain).Select(one => one.Text)];
    }

    /// <summary>Returns the advice that needs no training.</summary>
    /// <param name="family">The family that is recommended.</param>
    /// <param name="data">What a look at the data found.</param>
    public static IReadOnlyList<string> Rules(IModelFamily family, DataLook data) =>
    [
        $"this is advice by rules of the amount and the kind of data: nothing was trained",
        $"{family.Name} is the usual family for these data: {family.Description}",
        .. data.Warnings,
    ];

    private static string Text(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
