using Atelier.Kernels;

namespace Atelier.Training.Execution;

/// <summary>Times plans by turns until there is no doubt which is the fastest, or until the time is up.</summary>
/// <param name="limit">The time that it may take.</param>
/// <param name="time">Times a step with a plan; null if the time was up first.</param>
internal sealed class PlanMeasuring(MeasuringLimit limit, Func<ExecutionPlan, PlanTiming?> time)
{
    private const int Rounds = 3;
    // times the best of the first round: another path than the usual one that takes longer is not timed again
    private const double Hopeless = 1.25;
    // what another path than the usual one must gain: short timings differ by a tenth by themselves
    private const double Unusual = 1.15;
    private const double Clear = 1.5; // what another plan than the guess must gain where not all was timed
    // timings of the first round that a busy machine spoiled, after which measuring ends
    private const int MostRestless = 2;
    // the least of each is without what else the machine did meanwhile
    private readonly Dictionary<ExecutionPlan, double> _best = [];
    private int _restless;
    private bool _isCut;

    private string? Doubt =>
        _restless >= MostRestless ? "other programs use this machine" : _isCut ? "there was not enough time to "
            + "measure all candidates"
        : null;

    /// <summary>The fastest of plans and their other paths.</summary>
    /// <param name="candidates">The plans.</param>
    /// <param name="guess">The one of them to take where nothing better is known.</param>
    /// <returns>The plan, and why it is no more than a guess; null where it was measured.</returns>
    public (ExecutionPlan Plan, string? Doubt) Run(ExecutionPlan[] candidates, ExecutionPlan guess)
    {
        // By turns, so that what else the machine does meanwhile falls on all alike; the guess first, so that others
        // are held against it.
        var met = new List<(ExecutionPlan Plan, PlanTiming Timing)>();
        foreach (ExecutionPlan candidate in candidates.OrderByDescending(candidate => candidate == guess))
        {
            if (Time(candidate) is { } timing)
                met.Add((candidate, timing));
        }
        foreach ((ExecutionPlan candidate, PlanTiming timing) in met.OrderBy(m => m.Timing.Seconds))
            TimeOtherPaths(candidate, timing);
        string? doubt = Doubt;
        if (doubt is null)
            TimeAgain(); // what the time leaves out of it raises no doubt: each plan was timed once
        if (_restless >= MostRestless || !_best.ContainsKey(guess))
            return (guess, doubt);
        double Handicap(ExecutionPlan plan) =>
            doubt is not null && plan != guess ? Clear : plan.Layers == default ? 1 : Unusual;
        return (_best.MinBy(timed => timed.Value * Handicap(timed.Key)).Key, doubt);
    }

    /// <summary>Times the other paths of a division of the work, where it met a choice.</summary>
    private void TimeOtherPaths(ExecutionPlan candidate, PlanTiming timing)
    {
        if (timing.HasTiles)
            Time(candidate with { Layers = LayerPath.LibraryProducts });
        if (timing.HasKernels)
            timing = Time(candidate with { Layers = LayerPath.Reference }) ?? default;
        if (timing.HasAttention)
            Time(candidate with { Layers = LayerPath.FusedAttention });
    }

    /// <summary>More rounds of what may be the fastest, of each of which the least counts.</summary>
    private void TimeAgain()
    {
        ExecutionPlan[] promising =
            [.. _best.Keys.Where(candidate =>
            candidate.Layers == default || _best[candidate] <= Hopeless * _best.Values.Min())];
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
