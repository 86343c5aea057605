using System.Collections.Concurrent;

namespace Atelier.Server.Trainings;

/// <summary>
/// How fast trainings take their steps, from the times at which their metrics were written since they were first
/// looked at.
/// </summary>
internal sealed class TrainingPace
{
    private readonly ConcurrentDictionary<string, (double Step, DateTime Time)> _first = new(StringComparer.Ordinal);

    /// <summary>Returns the seconds that a step takes; null until two steps are known.</summary>
    /// <param name="id">The run.</param>
    /// <param name="step">The last step that it has written.</param>
    /// <param name="written">When it was written.</param>
    public double? SecondsPerStep(string id, double step, DateTime written)
    {
        (double from, DateTime since) = _first.AddOrUpdate(id, (step, written),
            (_, first) => first.Step > step ? (step, written) : first); // it was resumed from an earlier checkpoint
        return step > from && written > since ? (written - since).TotalSeconds / (step - from) : null;
    }

    /// <summary>Forgets a run that does not run any more.</summary>
    public void Forget(string id) => _first.TryRemove(id, out _);
}
