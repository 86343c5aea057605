using Atelier.Recipes;

namespace Atelier.Training;

/// <summary>
/// Computes the learning rate of a step. It depends only on the step, so that a resumed run needs no state of the
/// schedule.
/// </summary>
public sealed class LearningRateSchedule
{
    private readonly ScheduleSection _section;
    private readonly double _highest;
    private readonly double _length;

    /// <summary>Creates the schedule of a recipe.</summary>
    /// <param name="section">The schedule section of the recipe.</param>
    /// <param name="highest">The highest learning rate.</param>
    /// <param name="totalSteps">The length of the run in steps, if known; decaySteps takes precedence.</param>
    /// <exception cref="AtelierException">The schedule needs a length, but there is none.</exception>
    public LearningRateSchedule(ScheduleSection section, double highest, long? totalSteps)
    {
        (_section, _highest) = (section, highest);
        if (section.Name is not (ScheduleName.Constant or ScheduleName.InverseSquareRoot)
            && section.DecaySteps is null && totalSteps is null)
        {
            throw new AtelierException($"the schedule {section.Name} needs a number of steps", "training.schedule",
                "set training.schedule.decaySteps, or training.steps, or set training.schedule.name to constant");
        }
        _length = Math.Max(1, section.DecaySteps ?? totalSteps ?? 1);
    }

    /// <summary>Returns the learning rate of a step.</summary>
    /// <param name="step">The step, from 1.</param>
    public double Rate(long step)
    {
        double warmup = _section.WarmupSteps, final = _section.FinalShare;
        if (_section.Name == ScheduleName.OneCycle)
            return _highest * OneCycle(step, warmup, final);
        if (step <= warmup)
            return _highest * (step / warmup); // above 0 at the first step, the highest rate at the last warm-up step
        double progress = Math.Min(1, (step - warmup) / Math.Max(1, _length - warmup)); // 1 at the last step
        return _highest * _section.Name switch
        {
            // Loshchilov and Hutter 2017, eq. 5
            ScheduleName.Cosine => final + ((1 - final) * 0.5 * (1 + Math.Cos(Math.PI * progress))),
            ScheduleName.Linear => 1 - ((1 - final) * progress),
            ScheduleName.InverseSquareRoot => Math.Sqrt(Math.Max(1, warmup) / step), // Vaswani et al. 2017, section 5.3
            _ => 1,
        };
    }

    /// <summary>
    /// The one-cycle schedule (Smith and Topin 2018) along half cosines: it rises from 1/25 of the highest rate over
    /// the warm-up (over 30 % of the length if the warm-up is zero or not shorter than the length), then falls to the
    /// final rate.
    /// </summary>
    private double OneCycle(long step, double warmup, double final)
    {
        const double Start = 1.0 / 25;
        double rise = warmup > 0 && warmup < _length ? warmup : 0.3 * _length;
        (double from, double to, double progress) = step <= rise
            ? (Start, 1.0, step / rise)
            : (1.0, final, Math.Min(1, (step - rise) / Math.Max(1, _length - rise)));
        return to + ((from - to) * 0.5 * (1 + Math.Cos(Math.PI * progress)));
    }
}
