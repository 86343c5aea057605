using System.Diagnostics;

namespace Atelier.Tensors.Profiling;

/// <summary>Adds up what was recorded of some steps.</summary>
internal static class ProfileCount
{
    private const string Forward = "forward", Backward = "backward", Outside = "between operations";

    /// <summary>
    /// The table of what the learning threads did: the one that takes the steps, and those that go backward.
    /// </summary>
    /// <param name="tracks">What each thread did.</param>
    /// <param name="stepThread">The thread that takes the steps.</param>
    /// <param name="steps">From when to when each step went.</param>
    /// <param name="from">The number of the first.</param>
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
    /// An operation's place in the table. The parts "forward" and "backward" are no rows of their own, since the
    /// operations within them are; what lies between these is one.
    /// </summary>
    private static string[] Name(IReadOnlyList<string> path) => path switch
    {
        [Forward or Backward] => [Outside],
        [Forward or Backward, ..] => [.. path.Skip(1)],
        _ => [.. path],
    };

    /// <summary>
    /// Whether it belongs to the backward pass: marked so, or within an operator with its own backward pass.
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
                // Of the whole pass; what the operations within it take is taken off.
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

        /// <summary>Its children, the longest first, each followed by its own.</summary>
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
