using System.Diagnostics;

namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>
/// Searches for the graph with the highest score. Each move adds, removes or reverses one edge, the best one first
/// (Heckerman, Geiger and Chickering 1995, section 7.1). At a local maximum the climb goes on through worse graphs,
/// while a tabu list forbids undoing the last moves (Glover 1989). The search then restarts near the best graph, until
/// several restarts in a row find nothing better (iterated local search: Lourenço, Martin and Stützle 2003).
/// </summary>
internal sealed class HillClimbing
{
    private const double LeastGain = 1e-7;

    private readonly int _count;
    private readonly FamilyScore _score;
    private readonly StructureConstraints _constraints;
    private readonly HillClimbingOptions _options;
    private readonly IReadOnlyList<string> _names;
    private readonly Dictionary<ParentSet, double>[] _known; // [child]: the scores computed so far

    private readonly List<int>[] _parents;
    private readonly double[] _scores;
    // [child, other]: the change of the child's score if the other variable is added to or removed from its parents
    private readonly double[,] _gains;
    private readonly ulong[][] _reached; // [vertex]: a bit set of its descendants

    /// <summary>Prepares a search.</summary>
    /// <param name="score">The score to maximise.</param>
    /// <param name="names">The names of the variables.</param>
    /// <param name="constraints">The constraints on the graph.</param>
    /// <param name="options">The limits of the search.</param>
    public HillClimbing(FamilyScore score, IReadOnlyList<string> names, StructureConstraints constraints,
        HillClimbingOptions options)
    {
        _count = names.Count;
        (_score, _names, _constraints, _options) = (score, names, constraints, options);
        _known = [.. names.Select(_ => new Dictionary<ParentSet, double>())];
        _parents = [.. names.Select(_ => new List<int>())];
        _scores = new double[_count];
        _gains = new double[_count, _count];
        _reached = [.. names.Select(_ => new ulong[(_count + 63) / 64])];
    }

    /// <summary>The number of families (a variable with its parents) whose score was computed.</summary>
    public int ScoredFamilies => _known.Sum(k => k.Count);

    /// <summary>A description of how the search ended, for the user.</summary>
    public string Ending { get; private set; } = "";

    /// <summary>Runs the search, and returns the best graph found.</summary>
    /// <param name="progress">Called after each move with the number of climbs, the number of moves, and the
    /// score.</param>
    /// <param name="cancellation">Ends the search early; the best graph so far is returned.</param>
    public DirectedGraph Search(Action<int, int, double>? progress, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        bool IsOver() => cancellation.IsCancellationRequested || watch.Elapsed.TotalSeconds >= _options.Seconds;
        var random = new SplitMix64((ulong)_options.Seed);
        int climbs = 1, moves = 0, inVain = 0;
        Take([.. Enumerable.Range(0, _count).Select(i => _constraints.Start.Parents(i).ToArray())]);
        (double bestScore, int[][] best) = Climb(Report, IsOver);
        while (inVain < _options.Restarts && !IsOver())
        {
            climbs++;
            Perturb(best, ref random);
            (double score, int[][] parents) = Climb(Report, IsOver);
            inVain = score > bestScore + LeastGain ? 0 : inVain + 1;
            if (score > bestScore - LeastGain) // an equally good graph replaces the best, to restart somewhere else
                (bestScore, best) = (Math.Max(score, bestScore), parents);
        }
        string end = _options.Restarts == 0 ? "no restarts"
            : inVain >= _options.Restarts ? $"the last {inVain} restarts found no better structure"
            : cancellation.IsCancellationRequested ? "stopped"
            : FormattableString.Invariant($"stopped after {_options.Seconds} s (model.searchSeconds)");
        Ending = $"{Quantity.Of(climbs, "climb")}, {Quantity.Of(moves, "move")}, "
            + $"{Quantity.Of(ScoredFamilies, "score")} of a variable with parents; {end}";
        return _options.Restarts == 0 ? new DirectedGraph(best, _names) : Directed(best, bestScore);

        void Report(double score) => progress?.Invoke(climbs, ++moves, score);
    }

    private (double Score, int[][] Parents) Climb(Action<double> moved, Func<bool> isOver)
    {
        double score = _scores.Sum(), bestScore = score;
        int[][] best = Copy();
        var forbiddenUntil = new int[_count, _count];
        // At most half of all pairs are forbidden, so that some move is always allowed.
        int tenure = Math.Min(_options.TabuLength, _count * (_count - 1) / 4);
        int worse = 0;
        for (int step = 1; !isOver(); step++)
        {
            if (FindBest(score, bestScore, step, forbiddenUntil) is not { } move)
                break;
            if (move.Gain <= LeastGain && worse >= _options.TabuLength)
                break;
            Apply(move);
            (forbiddenUntil[move.Parent, move.Child], forbiddenUntil[move.Child, move.Parent]) =
                (step + tenure, step + tenure);
            score = _scores.Sum();
            moved(score);
            if (score > bestScore + LeastGain)
                (bestScore, best, worse) = (score, Copy(), 0);
            else
                worse++;
        }
        return (bestScore, best);
    }

    private enum Kind
    {
        Toggle, // add or remove
        Reverse,
    }

    private readonly record struct Move(Kind Kind, int Parent, int Child, double Gain);

    private Move? FindBest(double score, double bestScore, int step, int[,] forbiddenUntil)
    {
        // Among moves of equal gain, such as both directions of a first edge, the one with the first parent and then
        // the first child wins. The margin keeps rounding errors from deciding.
        Move? best = null;
        for (int parent = 0; parent < _count; parent++)
        {
            for (int child = 0; child < _count; child++)
            {
                if (parent == child)
                    continue;
                bool exists = _parents[child].Contains(parent);
                bool mayToggle = exists ? !_constraints.IsRequired(parent, child) : MayAdd(parent, child);
                Consider(Kind.Toggle, _gains[child, parent], mayToggle);
                if (exists)
                    Consider(Kind.Reverse, _gains[child, parent] + _gains[parent, child], MayReverse(parent, child));

                void Consider(Kind kind, double gain, bool allowed)
                {
                    if (!allowed || double.IsNaN(gain) || double.IsNegativeInfinity(gain)
                        || (best is { } b && gain <= b.Gain + LeastGain))
                        return;
                    // The aspiration criterion: a forbidden move is allowed if it leads to a new best graph.
                    if (forbiddenUntil[parent, child] >= step && score + gain <= bestScore + LeastGain)
                        return;
                    best = new Move(kind, parent, child, gain);
                }
            }
        }
        return best;
    }

    private bool MayAdd(int parent, int child) =>
        !_constraints.IsForbidden(parent, child) && _parents[child].Count < _constraints.MaxParents
        && !_parents[parent].Contains(child) && !Reaches(child, parent);

    // The reversed edge would close a cycle if another path led from parent to child.
    private bool MayReverse(int parent, int child)
    {
        if (_constraints.IsRequired(parent, child) || _constraints.IsForbidden(child, parent)
            || _parents[parent].Count >= _constraints.MaxParents)
            return false;
        foreach (int other in _parents[child])
        {
            if (other != parent && Reaches(parent, other))
                return false;
        }
        return true;
    }

    private bool Reaches(int from, int to) => (_reached[from][to >> 6] >> (to & 63) & 1) != 0;

    private void Apply(Move move)
    {
        Toggle(move.Parent, move.Child);
        if (move.Kind == Kind.Reverse)
        {
            Toggle(move.Child, move.Parent);
            Update([move.Child, move.Parent]);
        }
        else
        {
            Update([move.Child]);
        }
    }

    private void Toggle(int parent, int child)
    {
        if (!_parents[child].Remove(parent))
        {
            _parents[child].Add(parent);
            _parents[child].Sort();
        }
    }

    private void Take(int[][] parents)
    {
        for (int child = 0; child < _count; child++)
        {
            _parents[child].Clear();
            _parents[child].AddRange(parents[child].Order());
        }
        Update([.. Enumerable.Range(0, _count)]);
    }

    private int[][] Copy() => [.. _parents.Select(p => p.ToArray())];

    /// <summary>
    /// Recomputes what depends on the parents of some vertices: their scores, their gains, and all descendants.
    /// </summary>
    private void Update(IReadOnlyList<int> children)
    {
        var families = new List<(int Child, int Other, ParentSet Parents)>();
        foreach (int child in children)
        {
            families.Add((child, child, new ParentSet([.. _parents[child]])));
            for (int other = 0; other < _count; other++)
            {
                if (other == child)
                    continue;
                bool exists = _parents[child].Contains(other);
                if (!exists && (_constraints.IsForbidden(other, child)
                    || _parents[child].Count >= _constraints.MaxParents))
                {
                    _gains[child, other] = double.NegativeInfinity;
                    continue;
                }
                int[] toggled = exists ? [.. _parents[child].Where(p => p != other)]
                    : [.. _parents[child].Append(other).Order()];
                families.Add((child, other, new ParentSet(toggled)));
            }
        }
        var unknown = families.FindAll(f => !_known[f.Child].ContainsKey(f.Parents));
        var scores = new double[unknown.Count];
        Parallel.For(0, unknown.Count, i => scores[i] = _score.Of(unknown[i].Child, unknown[i].Parents.Members));
        for (int i = 0; i < scores.Length; i++)
            _known[unknown[i].Child][unknown[i].Parents] = scores[i];

        foreach ((int child, int other, ParentSet parents) in families)
        {
            double score = _known[child][parents];
            if (other == child)
                _scores[child] = score;
            else
                _gains[child, other] = score - _scores[child]; // the child's current score comes first in the list
        }
        FindReached();
    }

    private void FindReached()
    {
        foreach (ulong[] below in _reached)
            Array.Clear(below);
        int[] waiting = new int[_count];
        foreach (int parent in _parents.SelectMany(p => p))
            waiting[parent]++;
        var ready = new Stack<int>(Enumerable.Range(0, _count).Where(v => waiting[v] == 0));
        while (ready.TryPop(out int child))
        {
            foreach (int parent in _parents[child])
            {
                ulong[] below = _reached[parent], own = _reached[child];
                for (int word = 0; word < below.Length; word++)
                    below[word] |= own[word];
                below[child >> 6] |= 1UL << (child & 63);
                if (--waiting[parent] == 0)
                    ready.Push(parent);
            }
        }
    }

    /// <summary>
    /// Prepares the start of the next climb. It moves to another graph of the best graph's equivalence class, because
    /// which moves improve a graph depends on the directions of its edges. Then it removes a random fraction of the
    /// edges around some adjacent variables, so that they are chosen again together.
    /// </summary>
    private void Perturb(int[][] best, ref SplitMix64 random)
    {
        Take(best);
        ReverseCovered(ref random);
        // The size of the region is log-uniform, up to half of all variables.
        int size = (int)Math.Exp(random.NextDouble() * Math.Log(Math.Max(2, (_count / 2) + 1)));
        double share = random.NextDouble();
        List<int> region = [(int)random.Next(_count)];
        for (int at = 0; at < region.Count && region.Count < size; at++)
        {
            int member = region[at];
            int[] around = [.. _parents[member],
                .. Enumerable.Range(0, _count).Where(v => _parents[v].Contains(member))];
            foreach (int other in around)
            {
                if (!region.Contains(other) && region.Count < size)
                    region.Add(other);
            }
        }
        var changed = new HashSet<int>();
        foreach (int member in region)
        {
            for (int other = 0; other < _count; other++)
            {
                if (_parents[member].Contains(other) && !_constraints.IsRequired(other, member)
                    && random.NextDouble() < share && _parents[member].Remove(other))
                    changed.Add(member);
                if (_parents[other].Contains(member) && !_constraints.IsRequired(member, other)
                    && random.NextDouble() < share && _parents[other].Remove(member))
                    changed.Add(other);
            }
        }
        Update([.. changed]);
    }

    /// <summary>
    /// Reverses random covered edges, whose ends have the same other parents. This keeps the graph in its equivalence
    /// class and can reach every graph of it (Chickering 1995, theorem 2).
    /// </summary>
    private void ReverseCovered(ref SplitMix64 random)
    {
        var changed = new HashSet<int>();
        for (int tries = _count; tries > 0; tries--)
        {
            int child = (int)random.Next(_count);
            if (_parents[child].Count == 0)
                continue;
            int parent = _parents[child][(int)random.Next(_parents[child].Count)];
            if (_constraints.IsRequired(parent, child) || _constraints.IsForbidden(child, parent)
                || _parents[child].Count != _parents[parent].Count + 1
                || !_parents[parent].TrueForAll(_parents[child].Contains))
                continue;
            Toggle(parent, child);
            Toggle(child, parent);
            changed.Add(parent);
            changed.Add(child);
        }
        Update([.. changed]);
    }

    /// <summary>
    /// Returns the graph of the best graph's equivalence class whose edges follow the order of the columns as far as
    /// possible.
    /// </summary>
    private DirectedGraph Directed(int[][] best, double score)
    {
        var graph = new DirectedGraph(best, _names);
        if (PartiallyDirectedGraph.ClassOf(graph).Extend([.. Enumerable.Range(0, _count).Reverse()]) is not { } edges
            || !_constraints.Allows(edges))
            return graph;
        ILookup<int, int> byChild = edges.ToLookup(e => e.Child, e => e.Parent);
        int[][] parents = [.. Enumerable.Range(0, _count).Select(child => byChild[child].Order().ToArray())];
        Take(parents);
        return _scores.Sum() > score - LeastGain ? new DirectedGraph(parents, _names) : graph; // K2 may differ
    }
}
