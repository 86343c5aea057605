using System.Runtime.CompilerServices;

namespace Atelier.Generation.Constraints;

/// <summary>
/// An expression as a nondeterministic automaton over characters (Thompson 1968), whose sets of nodes are the states of
/// a deterministic one. It is the counterpart over characters of <see cref="ByteNetwork"/>.
/// </summary>
internal sealed class CharacterNetwork
{
    private readonly List<List<(CharacterSet? Set, int Next)>> _nodes = []; // without a set: without a character
    private readonly Dictionary<(int Expression, int Next), List<(Expression, int Node)>> _built = [];

    public CharacterNetwork(Expression expression) => Start = Close([Build(expression, Add())]);

    /// <summary>The nodes at which texts begin.</summary>
    public int[] Start { get; }

    /// <summary>Whether a text may end at one of the nodes; node 0 is the end.</summary>
    public bool IsEnd(int[] nodes) => nodes.Contains(0);

    /// <summary>Returns disjoint sets of characters, each with the nodes that it leads to.</summary>
    public IEnumerable<(CharacterSet, int[])> EdgesOf(int[] nodes)
    {
        (CharacterSet Set, int Next)[] edges =
            [.. nodes.SelectMany(n => _nodes[n]).Where(e => e.Set is not null).Select(e => (e.Set!, e.Next))];
        int[] borders = [.. edges.SelectMany(e => e.Set.Ranges).SelectMany(r => (int[])[r.First, r.Last + 1])
            .Distinct().Order()];
        var ranges = new Dictionary<string, (List<(int, int)> Ranges, int[] Next)>();
        for (int i = 0; i + 1 < borders.Length; i++)
        {
            int[] reached = [.. edges.Where(e => e.Set.Contains(borders[i])).Select(e => e.Next).Distinct().Order()];
            if (reached.Length == 0)
                continue;
            string key = string.Join(',', reached);
            if (!ranges.TryGetValue(key, out (List<(int, int)> Ranges, int[]) known))
                ranges.Add(key, known = ([], Close(reached)));
            known.Ranges.Add((borders[i], borders[i + 1] - 1));
        }
        return ranges.Values.Select(r => (CharacterSet.Of(r.Ranges), r.Next));
    }

    private int[] Close(IEnumerable<int> nodes)
    {
        var seen = new SortedSet<int>();
        var open = new Stack<int>(nodes);
        while (open.TryPop(out int at))
        {
            if (!seen.Add(at))
                continue;
            foreach ((CharacterSet? set, int next) in _nodes[at])
            {
                if (set is null)
                    open.Push(next);
            }
        }
        return [.. seen.Where(n => n == 0 || _nodes[n].Exists(e => e.Set is not null))];
    }

    private int Build(Expression expression, int next)
    {
        // shared expressions before the same node are built once; they are compared by reference
        (int, int) key = (RuntimeHelpers.GetHashCode(expression), next);
        if (!_built.TryGetValue(key, out List<(Expression Expression, int Node)>? known))
            _built.Add(key, known = []);
        foreach ((Expression same, int built) in known)
        {
            if (ReferenceEquals(same, expression))
                return built;
        }
        int node = BuildAnew(expression, next);
        known.Add((expression, node));
        return node;
    }

    private int BuildAnew(Expression expression, int next)
    {
        switch (expression)
        {
            case Characters(CharacterSet set):
                return Add((set, next));
            case Sequence(IReadOnlyList<Expression> parts):
                for (int i = parts.Count - 1; i >= 0; i--)
                    next = Build(parts[i], next);
                return next;
            case Choice(IReadOnlyList<Expression> options):
                return Add([.. options.Select(option => ((CharacterSet?)null, Build(option, next)))]);
            case Repetition(var part, int least, var most):
                int at = next;
                if (most is null)
                {
                    at = Add();
                    _nodes[at].AddRange([(null, Build(part, at)), (null, next)]);
                }
                for (int i = least; i < most; i++)
                    at = Add((null, Build(part, at)), (null, next));
                for (int i = 0; i < least; i++)
                    at = Build(part, at);
                return at;
            case Graph(IReadOnlyList<GraphState> states):
                int first = _nodes.Count;
                foreach (GraphState _ in states)
                    Add();
                foreach ((int i, GraphState state) in states.Index())
                {
                    foreach ((Expression part, int to) in state.Edges)
                        _nodes[first + i].Add(part is Characters(CharacterSet set) ? (set, first + to)
                            : (null, Build(part, first + to)));
                    if (state.IsEnd)
                        _nodes[first + i].Add((null, next));
                }
                return first;
            default:
                throw new InvalidOperationException($"{expression.GetType().Name} has no automaton");
        }
    }

    private int Add(params (CharacterSet?, int)[] edges)
    {
        if (_nodes.Count >= ByteNetwork.MostParts)
        {
            throw new AtelierException($"it needs more than {ByteNetwork.MostParts} states",
                hint: "use fewer repetitions, or open ones such as a{2,}");
        }
        _nodes.Add([.. edges]);
        return _nodes.Count - 1;
    }
}
