using Atelier.Kernels;

namespace Atelier.Training.Execution;

/// <summary>Finds the fastest of several execution plans by timing each several times in turn.</summary>
/// <param name="limit">The time limit of the measurement.</param>
/// <param name="time">Times a step with a plan; returns null if the time limit was reached first.</param>
internal sealed class PlanMeasuring(MeasuringLimit limit, Func<ExecutionPlan, PlanTiming?> time)
{
    private const int Rounds = 3;

    // A plan with an alternative layer path that is slower than the fastest plan by this factor is timed only once.
    private const double Hopeless = 1.25;

    // An alternative layer path must be faster by this factor, because short timings vary by a tenth.
    private const double Unusual = 1.15;

    // A plan other than the guess must be faster by this factor if the measurement is incomplete.
    private const double Clear = 1.5;

    // The number of unreliable timings, on a busy machine, after which the measurement ends.
    private const int MostRestless = 2;

    // The shortest time of each plan, which is the least disturbed by other programs.
    private readonly Dictionary<ExecutionPlan, double> _best = [];
    private int _restless;
    private bool _isCut;

    private string? Doubt =>
        _restless >= MostRestless ? "other programs use this machine" : _isCut ? "there was not enough time to "
            + "measure all candidates"
        : null;

    /// <summary>Finds the fastest of several plans and their alternative layer paths.</summary>
    /// <param name="candidates">The plans.</param>
    /// <param name="guess">The candidate to use if the measurement is incomplete.</param>
    /// <returns>The plan, and why it is only a guess; null if the measurement was complete.</returns>
    public (ExecutionPlan Plan, string? Doubt) Run(ExecutionPlan[] candidates, ExecutionPlan guess)
    {
        // Plans are timed in turn, so that other programs disturb all of them alike. The guess is first, so that there
        // is a time to compare others with.
        var timed = new List<(ExecutionPlan Plan, PlanTiming Timing)>();
        foreach (ExecutionPlan candidate in candidates.OrderByDescending(candidate => candidate == guess))
        {
            if (Time(candidate) is { } timing)
                timed.Add((candidate, timing));
        }
        foreach ((ExecutionPlan candidate, PlanTiming timing) in timed.OrderBy(plan => plan.Timing.Seconds))
            TimeOtherPaths(candidate, timing);
        string? doubt = Doubt;
        if (doubt is null)
            TimeAgain(); // may be cut short by the time limit: each plan has been timed once
        if (_restless >= MostRestless || !_best.ContainsKey(guess))
            return (guess, doubt);
        double Handicap(ExecutionPlan plan) =>
            doubt is not null && plan != guess ? Clear : plan.Layers == default ? 1 : Unusual;
        return (_best.MinBy(best => best.Value * Handicap(best.Key)).Key, doubt);
    }

    /// <summary>Times the alternative layer paths of a plan, if its step contained layers that have them.</summary>
    private void TimeOtherPaths(ExecutionPlan candidate, PlanTiming timing)
    {
        if (timing.HasTiles)
            Time(candidate with { Layers = LayerPath.LibraryProducts });
        if (timing.HasKernels)
            timing = Time(candidate with { Layers = LayerPath.Reference }) ?? default;
        if (timing.HasAttention)
            Time(candidate with { Layers = LayerPath.FusedAttention });
    }

    /// <summary>Times the plans that may be the fastest again in further rounds; the shortest time counts.</summary>
    private void TimeAgain()
    {
        double slowest = Hopeless * _best.Values.Min();
        ExecutionPlan[] promising =
            [.. _best.Keys.Where(candidate => candidate.Layers == default || _best[candidate] <= slowest)];
        for (int round = 1; round < Rounds && promising.Length > 1; round++)
        {
            foreach (ExecutionPlan candidate in promising)
            {
                Time(candidate);
                _restless = 0;
            }
        }
    }

    private PlanTiming? Time(ExecutionPlan plan)
    {
        if (_restless >= MostRestless || limit.IsOver || time(plan) is not { } timing)
        {
            _isCut = true;
            return null;
        }
        _restless += timing.IsRestless ? 1 : 0;
        _best[plan] = Math.Min(_best.GetValueOrDefault(plan, double.PositiveInfinity), timing.Seconds);
        return timing;
    }
}
