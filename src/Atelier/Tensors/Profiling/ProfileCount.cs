using System.Diagnostics;

namespace Atelier.Tensors.Profiling;

/// <summary>Sums up the recorded operations of some training steps.</summary>
internal static class ProfileCount
{
    private const string Forward = "forward", Backward = "backward", Outside = "between operations";

    /// <summary>
    /// Creates the report on the training threads: the one that runs the steps, and those that run backward passes.
    /// </summary>
    /// <param name="tracks">The operations of each thread.</param>
    /// <param name="stepThread">The thread that runs the training steps.</param>
    /// <param name="steps">The start and end time stamps of each step.</param>
    /// <param name="from">The number of the first step.</param>
    public static ProfileReport Of(IEnumerable<OperationTrack> tracks, int stepThread,
        IReadOnlyList<(long Start, long End)> steps, int from)
    {
        OperationEvent[][] threads =
        [
            .. tracks.Select(track => (track.Thread, Events: track.Events()))
                .Where(track => track.Thread == stepThread || track.Events.Any(e => e.Phase == OperationPhase.Backward))
                .Select(track => track.Events),
        ];
        double wall = steps.Sum(step => step.End - step.Start), whole = wall * Math.Max(1, threads.Length);
        var root = new Node("");
        foreach (OperationEvent e in threads.SelectMany(events => events))
            root.Add(Name(e.Path), e);
        double covered = threads.SelectMany(events => events).Where(e => e.Depth == 0).Sum(e => e.End - e.Start);
        double perStep = Stopwatch.Frequency / 1000.0 * steps.Count;
        return new ProfileReport
        {
            From = from,
            Steps = steps.Count,
            Threads = Math.Max(1, threads.Length),
            StepMilliseconds = wall / perStep,
            AccountedShare = covered / whole,
            Rows = [.. root.Rows(perStep, steps.Count, whole)],
        };
    }

    /// <summary>
    /// The path of an operation in the table. The operations "forward" and "backward" have no rows of their own,
    /// because the operations within them have; the time between these is one row.
    /// </summary>
    private static string[] Name(IReadOnlyList<string> path) => path switch
    {
        [Forward or Backward] => [Outside],
        [Forward or Backward, ..] => [.. path.Skip(1)],
        _ => [.. path],
    };

    /// <summary>
    /// Whether an operation belongs to the backward pass: either it is a backward pass itself, or it is part of
    /// "backward", as in operators that implement their own backward pass.
    /// </summary>
    private static bool GoesBack(OperationEvent e) => e.Phase == OperationPhase.Backward || e.Path is [Backward, _, ..];

    private sealed class Node(string name)
    {
        private readonly Dictionary<string, Node> _children = [];
        private double _forward, _backward;
        private int _calls;
        private bool _goesBackward;

        private double Total => _forward + _backward;

        public void Add(ReadOnlySpan<string> path, OperationEvent e)
        {
            double ticks = e.End - e.Start;
            if (path.Length == 1 && path[0] == Outside)
            {
                // The time of the whole pass; the time of the operations within it is subtracted below.
                Child(Outside).Take(e, e.Name == Backward, ticks, calls: 0);
                return;
            }
            if (e.Depth == 1 && e.Path is [Forward or Backward, ..])
                Child(Outside).Take(e, GoesBack(e), -ticks, calls: 0);
            Node at = this;
            foreach (string part in path)
                at = at.Child(part);
            at.Take(e, GoesBack(e), ticks, calls: GoesBack(e) ? 0 : 1);
        }

        /// <summary>
        /// The rows of the children, the longest first, each followed by the rows of its own children.
        /// </summary>
        public IEnumerable<ProfileRow> Rows(double perStep, int steps, double whole, params string[] path)
        {
            foreach (Node child in _children.Values.OrderByDescending(c => c.Total))
            {
                string[] place = [.. path, child.Name];
                yield return child.Row(place, child._forward, child._backward, perStep, steps, whole);
                foreach (ProfileRow row in child.Rows(perStep, steps, whole, place))
                    yield return row;
                if (child._children.Count > 0)
                {
                    yield return child.Row([.. place, "the rest of it"],
                        child._forward - child._children.Values.Sum(c => c._forward),
                        child._backward - child._children.Values.Sum(c => c._backward), perStep, steps, whole);
                }
            }
        }

        private string Name => name;

        private Node Child(string called)
        {
            if (!_children.TryGetValue(called, out Node? child))
                _children.Add(called, child = new Node(called));
            return child;
        }

        private void Take(OperationEvent e, bool backward, double ticks, int calls)
        {
            (backward ? ref _backward : ref _forward) += ticks;
            _calls += calls;
            _goesBackward |= backward || e.Path is [Forward, ..];
        }

        private ProfileRow Row(string[] path, double forward, double backward, double perStep, int steps,
            double whole) => new(
            path, (double)_calls / steps, _goesBackward ? forward / perStep : null, _goesBackward ? backward / perStep
                : null,
            (forward + backward) / perStep, (forward + backward) / whole);
    }
}
