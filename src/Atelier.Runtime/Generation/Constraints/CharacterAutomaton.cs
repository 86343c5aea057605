using System.Text;

namespace Atelier.Generation.Constraints;

/// <summary>
/// A deterministic automaton over characters, from which every state can still reach an end. Sets of texts are
/// intersected and subtracted as products of automata (Rabin and Scott 1959).
/// </summary>
internal sealed class CharacterAutomaton
{
    private readonly bool[] _ends;
    private readonly (CharacterSet Set, int Next)[][] _edges; // the sets of a state are disjoint

    private CharacterAutomaton(bool[] ends, (CharacterSet, int)[][] edges) => (_ends, _edges) = (ends, edges);

    /// <summary>The automaton of all texts.</summary>
    public static CharacterAutomaton All { get; } = new([true], [[(CharacterSet.All, 0)]]);

    /// <summary>Whether no text is accepted.</summary>
    public bool IsEmpty => _ends.Length == 0;

    /// <summary>Number of states.</summary>
    public int StateCount => _ends.Length;

    /// <summary>Returns the automaton of an expression without rule references.</summary>
    /// <exception cref="AtelierException">It needs too many states.</exception>
    public static CharacterAutomaton Of(Expression expression)
    {
        var network = new CharacterNetwork(expression);
        return Explore(network.Start, network.EdgesOf, network.IsEnd, key => string.Join(',', key));
    }

    /// <summary>Returns the texts of both automata.</summary>
    /// <exception cref="AtelierException">There are too many states.</exception>
    public CharacterAutomaton Intersect(CharacterAutomaton other) =>
        IsEmpty || other.IsEmpty ? new([], []) : Product(other, keepOnlyBoth: true);

    /// <summary>Returns the texts of this automaton that another does not accept.</summary>
    /// <exception cref="AtelierException">There are too many states.</exception>
    public CharacterAutomaton Except(CharacterAutomaton other) =>
        IsEmpty || other.IsEmpty ? this : Product(other, keepOnlyBoth: false);

    /// <summary>Returns the smallest automaton of the same texts (Moore 1956).</summary>
    public CharacterAutomaton Minimized()
    {
        if (IsEmpty)
            return this;
        int[] classes = [.. _ends.Select(end => end ? 1 : 0)];
        for (int count = 0; ;)
        {
            var numbers = new Dictionary<string, int>();
            classes = [.. Enumerable.Range(0, StateCount).Select(i => Number(numbers, $"{classes[i]}|{string.Join('|',
                Merged(_edges[i], classes).Select(e => $"{e.Next}:{string.Join(',', e.Set.Ranges)}"))}"))];
            if (numbers.Count == count)
                break;
            count = numbers.Count;
        }
        int[] kept = [.. Enumerable.Range(0, StateCount).GroupBy(i => classes[i]).OrderBy(g => g.Key)
            .Select(g => g.First())];
        return new([.. kept.Select(i => _ends[i])], [.. kept.Select(i => Merged(_edges[i], classes))]);

        static int Number(Dictionary<string, int> numbers, string key)
        {
            if (!numbers.TryGetValue(key, out int number))
                numbers.Add(key, number = numbers.Count);
            return number;
        }

        static (CharacterSet Set, int Next)[] Merged((CharacterSet Set, int Next)[] edges, int[] classes) =>
            [.. edges.GroupBy(e => classes[e.Next]).OrderBy(g => g.Key)
                .Select(g => (CharacterSet.Of(g.SelectMany(e => e.Set.Ranges)), g.Key))];
    }

    /// <summary>Returns whether a text is accepted.</summary>
    public bool Accepts(string text)
    {
        if (IsEmpty)
            return false;
        int state = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            int next = -1;
            foreach ((CharacterSet set, int to) in _edges[state])
            {
                if (set.Contains(rune.Value))
                    next = to;
            }
            if (next < 0)
                return false;
            state = next;
        }
        return _ends[state];
    }

    /// <summary>Returns the automaton as an expression.</summary>
    public Expression ToExpression() => IsEmpty ? Expression.Nothing : new Graph(
        [.. _ends.Select((end, i) => new GraphState(end,
            [.. _edges[i].Select(e => ((Expression)new Characters(e.Set), e.Next))]))]);

    /// <summary>
    /// Returns the product with another automaton: the texts of both, or those of this automaton only. -1 stands for
    /// the state from which the other accepts nothing.
    /// </summary>
    private CharacterAutomaton Product(CharacterAutomaton other, bool keepOnlyBoth)
    {
        return Explore((A: 0, B: 0), Edges,
            pair => _ends[pair.A] && (pair.B >= 0 && other._ends[pair.B]) == keepOnlyBoth, pair => pair);

        IEnumerable<(CharacterSet, (int A, int B))> Edges((int A, int B) pair)
        {
            foreach ((CharacterSet set, int next) in _edges[pair.A])
            {
                CharacterSet rest = set;
                foreach ((CharacterSet theirs, int to) in pair.B < 0 ? [] : other._edges[pair.B])
                {
                    CharacterSet both = set.Intersect(theirs);
                    if (both.IsEmpty)
                        continue;
                    yield return (both, (next, to));
                    rest = rest.Except(both);
                }
                if (!keepOnlyBoth && !rest.IsEmpty)
                    yield return (rest, (next, -1));
            }
        }
    }

    /// <summary>Numbers the states that are reached from the first, and drops those that reach no end.</summary>
    private static CharacterAutomaton Explore<TState, TKey>(TState start,
        Func<TState, IEnumerable<(CharacterSet, TState)>> edgesOf, Func<TState, bool> isEnd, Func<TState, TKey> keyOf)
        where TKey : notnull
    {
        var numbers = new Dictionary<TKey, int> { [keyOf(start)] = 0 };
        var states = new List<TState> { start };
        var edges = new List<(CharacterSet, int)[]>();
        int parts = 0;
        for (int i = 0; i < states.Count; i++)
        {
            var found = new List<(CharacterSet, int)>();
            foreach ((CharacterSet set, TState to) in edgesOf(states[i]))
            {
                TKey key = keyOf(to);
                if (!numbers.TryGetValue(key, out int number))
                {
                    numbers.Add(key, number = states.Count);
                    states.Add(to);
                }
                found.Add((set, number));
            }
            parts += 1 + found.Count;
            if (parts > ByteNetwork.MostParts)
            {
                throw new AtelierException($"it needs more than {ByteNetwork.MostParts} states",
                    hint: "use shorter lengths and fewer patterns for one string");
            }
            edges.Add([.. found]);
        }
        return Trim([.. states.Select(isEnd)], edges);
    }

    private static CharacterAutomaton Trim(bool[] ends, List<(CharacterSet Set, int Next)[]> edges)
    {
        var before = new List<int>[ends.Length];
        for (int i = 0; i < ends.Length; i++)
        {
            foreach ((_, int next) in edges[i])
                (before[next] ??= []).Add(i);
        }
        bool[] useful = new bool[ends.Length];
        var open = new Stack<int>(Enumerable.Range(0, ends.Length).Where(i => ends[i]));
        while (open.TryPop(out int at))
        {
            if (useful[at])
                continue;
            useful[at] = true;
            foreach (int state in before[at] ?? [])
                open.Push(state);
        }
        if (!useful[0])
            return new([], []);
        int[] kept = [.. Enumerable.Range(0, ends.Length).Where(i => useful[i])];
        int[] numbers = new int[ends.Length];
        foreach ((int number, int state) in kept.Index())
            numbers[state] = number;
        return new([.. kept.Select(i => ends[i])],
            [.. kept.Select(i => edges[i].Where(e => useful[e.Next]).Select(e => (e.Set, numbers[e.Next])).ToArray())]);
    }
}
