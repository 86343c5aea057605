namespace Atelier.Generation.Constraints;

/// <summary>A node of a network: reads a byte, jumps without reading, calls a rule, or ends a rule.</summary>
internal sealed record NetworkNode
{
    /// <summary>The byte ranges that the node reads, each with the next node.</summary>
    public IReadOnlyList<(byte First, byte Last, int Next)> Edges { get; init; } = [];

    /// <summary>The nodes that are reached without reading a byte.</summary>
    public IReadOnlyList<int> Jumps { get; init; } = [];

    /// <summary>The rule that the node calls, or -1; <see cref="Return"/> is the node after the call.</summary>
    public int Rule { get; init; } = -1;

    public int Return { get; init; } = -1;

    /// <summary>Whether a rule ends here.</summary>
    public bool IsEnd { get; init; }
}

/// <summary>
/// A grammar as a nondeterministic automaton over UTF-8 bytes (Thompson 1968) whose rules call one another (a recursive
/// transition network, Woods 1970). A node is useful if a complete text can still be reached from it.
/// </summary>
internal sealed class ByteNetwork
{
    /// <summary>
    /// The largest number of nodes and edges: 100,000 suffice for any constraint that people write and take a few
    /// megabytes.
    /// </summary>
    public const int MostParts = 100_000;

    private readonly List<NetworkNode> _nodes = [];
    private readonly Dictionary<Built, int> _built = [];
    private readonly CharacterSet? _alphabet;
    private int _parts;

    private ByteNetwork(CharacterSet? alphabet) => _alphabet = alphabet;

    public IReadOnlyList<NetworkNode> Nodes => _nodes;

    /// <summary>The first node of each rule.</summary>
    public int[] Starts { get; private set; } = [];

    /// <summary>Whether a complete text can still be reached from each node.</summary>
    public bool[] IsUseful { get; private set; } = [];

    /// <summary>Builds the network of a grammar.</summary>
    /// <param name="grammar">The grammar of the texts.</param>
    /// <param name="alphabet">The characters that the vocabulary can write; null for all characters.</param>
    /// <exception cref="AtelierException">The grammar is too large, or a rule begins with itself.</exception>
    public static ByteNetwork Build(Grammar grammar, CharacterSet? alphabet)
    {
        var network = new ByteNetwork(alphabet);
        int end = network.Add(new NetworkNode { IsEnd = true });
        network.Starts = [.. grammar.Rules.Select(rule => network.Build(rule, end))];
        network._built.Clear();
        network.RefuseLeftRecursion();
        network.FindUseful();
        return network;
    }

    /// <summary>
    /// Returns the node that reads a text of the expression and continues at <paramref name="next"/>.
    /// </summary>
    private int Build(Expression expression, int next)
    {
        // The same expression before the same node shares one node, so that optional properties share the nodes after
        // them.
        var key = new Built(expression, next);
        if (!_built.TryGetValue(key, out int node))
            _built.Add(key, node = BuildAnew(expression, next));
        return node;
    }

    private int BuildAnew(Expression expression, int next)
    {
        switch (expression)
        {
            case Characters(CharacterSet set):
                return Build(_alphabet is null ? set : set.Intersect(_alphabet), next);
            case Sequence(IReadOnlyList<Expression> parts):
                for (int i = parts.Count - 1; i >= 0; i--)
                    next = Build(parts[i], next);
                return next;
            case Choice(IReadOnlyList<Expression> options):
                return Add(new NetworkNode { Jumps = [.. options.Select(option => Build(option, next))] });
            case RuleReference(int rule):
                return Add(new NetworkNode { Rule = rule, Return = next });
            case Repetition repetition:
                return Repeat(repetition.Part, repetition.Least, repetition.Most, next);
            case Graph(IReadOnlyList<GraphState> states):
                return Build(states, next);
            default:
                throw new InvalidOperationException($"{expression.GetType().Name} has no network");
        }
    }

    private int Repeat(Expression part, int least, int? most, int next)
    {
        int at = next;
        if (most is null)
        {
            at = Add(new NetworkNode());
            _nodes[at] = new NetworkNode { Jumps = [Build(part, at), next] };
        }
        for (int i = least; i < most; i++)
        {
            int body = Build(part, at);
            if (body == at)
                break; // the part is empty
            at = Add(new NetworkNode { Jumps = [body, next] });
        }
        for (int i = 0; i < least; i++)
        {
            int body = Build(part, at);
            if (body == at)
                break;
            at = body;
        }
        return at;
    }

    /// <summary>Builds the states of a graph, one node each. The nodes exist before their edges, which may lead back.
    /// </summary>
    private int Build(IReadOnlyList<GraphState> states, int next)
    {
        int first = _nodes.Count;
        foreach (GraphState _ in states)
            Add(new NetworkNode());
        for (int i = states.Count - 1; i >= 0; i--)
        {
            var edges = new List<(byte, byte, int)>();
            List<int> jumps = states[i].IsEnd ? [next] : [];
            foreach ((Expression part, int to) in states[i].Edges)
            {
                if (part is Characters(CharacterSet set))
                    edges.AddRange(Edges(_alphabet is null ? set : set.Intersect(_alphabet), first + to));
                else
                    jumps.Add(Build(part, first + to));
            }
            _nodes[first + i] = new NetworkNode { Edges = edges, Jumps = jumps };
        }
        return first;
    }

    private int Build(CharacterSet set, int next) => Add(new NetworkNode { Edges = Edges(set, next) });

    private List<(byte, byte, int)> Edges(CharacterSet set, int next)
    {
        var edges = new List<(byte, byte, int)>();
        var tails = new Dictionary<(byte, byte, int), int>(); // trailing bytes that several ranges share
        foreach ((int first, int last) in set.Ranges)
        {
            foreach ((byte First, byte Last)[] bytes in Utf8Ranges.Of(first, last))
            {
                int to = next;
                for (int i = bytes.Length - 1; i > 0; i--)
                {
                    (byte, byte, int) tail = (bytes[i].First, bytes[i].Last, to);
                    if (!tails.TryGetValue(tail, out int known))
                        tails.Add(tail, known = Add(new NetworkNode { Edges = [tail] }));
                    to = known;
                }
                Count();
                edges.Add((bytes[0].First, bytes[0].Last, to));
            }
        }
        return edges;
    }

    private int Add(NetworkNode node)
    {
        Count();
        _nodes.Add(node);
        return _nodes.Count - 1;
    }

    private void Count()
    {
        if (++_parts > MostParts)
        {
            throw new AtelierException($"the constraint needs more than {MostParts} states",
                hint: "use fewer repetitions, or open ones such as a{2,}");
        }
    }

    /// <summary>Refuses rules that call themselves before reading a byte, which would never end.</summary>
    private void RefuseLeftRecursion()
    {
        bool[] nullable = new bool[Starts.Length];
        List<int>[] called = [];
        for (bool changed = true; changed;)
        {
            called = [.. Starts.Select(_ => new List<int>())];
            changed = false;
            for (int rule = 0; rule < Starts.Length; rule++)
            {
                bool ends = ReachesEnd(Starts[rule], nullable, called[rule]);
                changed |= ends != nullable[rule];
                nullable[rule] = ends;
            }
        }
        int[] colors = new int[Starts.Length]; // 1: being visited, 2: visited
        for (int rule = 0; rule < Starts.Length; rule++)
            Visit(rule, called, colors);
    }

    /// <summary>
    /// Returns whether the end of a rule can be reached without reading a byte, and collects the rules called on the
    /// way.
    /// </summary>
    private bool ReachesEnd(int start, bool[] nullable, List<int> called)
    {
        bool ends = false;
        var seen = new HashSet<int>();
        var open = new Stack<int>([start]);
        while (open.TryPop(out int at))
        {
            if (!seen.Add(at))
                continue;
            NetworkNode node = _nodes[at];
            ends |= node.IsEnd;
            foreach (int jump in node.Jumps)
                open.Push(jump);
            if (node.Rule < 0)
                continue;
            called.Add(node.Rule);
            if (nullable[node.Rule])
                open.Push(node.Return);
        }
        return ends;
    }

    private static void Visit(int rule, List<int>[] called, int[] colors)
    {
        if (colors[rule] == 1)
            throw new AtelierException("a rule starts with itself",
                hint: "a $ref must not refer directly to itself");
        if (colors[rule] == 2)
            return;
        colors[rule] = 1;
        foreach (int next in called[rule])
            Visit(next, called, colors);
        colors[rule] = 2;
    }

    /// <summary>An expression, compared by reference, and the node after it.</summary>
    private readonly struct Built(Expression expression, int next) : IEquatable<Built>
    {
        private readonly Expression _expression = expression;
        private readonly int _next = next;

        public bool Equals(Built other) => ReferenceEquals(_expression, other._expression) && _next == other._next;

        public override bool Equals(object? obj) => obj is Built other && Equals(other);

        public override int GetHashCode() =>
            HashCode.Combine(System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(_expression), _next);
    }

    /// <summary>Finds the useful nodes backwards from the ends.</summary>
    private void FindUseful()
    {
        bool[] useful = new bool[_nodes.Count];
        var before = new List<int>[_nodes.Count]; // the nodes that a node may make useful
        var open = new Stack<int>();
        for (int i = 0; i < useful.Length; i++)
        {
            NetworkNode node = _nodes[i];
            if (node.IsEnd)
                open.Push(i);
            foreach (int next in node.Jumps.Concat(node.Edges.Select(e => e.Next)))
                (before[next] ??= []).Add(i);
            if (node.Rule < 0)
                continue;
            (before[Starts[node.Rule]] ??= []).Add(i);
            (before[node.Return] ??= []).Add(i);
        }
        while (open.TryPop(out int at))
        {
            if (useful[at])
                continue;
            useful[at] = true;
            foreach (int node in before[at] ?? [])
            {
                // a call is useful if its rule and what follows it both are
                if (_nodes[node].Rule < 0 || (useful[Starts[_nodes[node].Rule]] && useful[_nodes[node].Return]))
                    open.Push(node);
            }
        }
        IsUseful = useful;
    }
}
