namespace Atelier.Generation.Constraints;

/// <summary>
/// Lists of texts as acyclic automata that share beginnings and ends (Daciuk, Mihov, Watson and Watson 2000), so that
/// thousands of texts stay small.
/// </summary>
internal static class TextList
{
    private const int Longest = 1_000; // texts beyond share nothing, so that no call is nested deeper

    /// <summary>Returns an expression that matches each of some texts.</summary>
    public static Expression ToExpression(IEnumerable<string> texts)
    {
        string[] distinct = [.. texts.Distinct()];
        Expression[] whole = [.. distinct.Where(t => t.Length > Longest).Select(Expression.Literal)];
        Expression shared = Shared(distinct.Where(t => t.Length <= Longest));
        return whole.Length == 0 ? shared : new Choice([shared, .. whole]);
    }

    private static Expression Shared(IEnumerable<string> texts)
    {
        int[][] all = [.. texts.Select(t => t.EnumerateRunes().Select(r => r.Value).ToArray())
            .OrderBy(t => t, Comparer<int[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))];
        if (all.Length == 0)
            return Expression.Nothing;
        var states = new List<GraphState> { new(false, []) }; // the first is replaced at last
        var known = new Dictionary<string, int>();
        states[0] = states[Add(all, 0)];
        return new Graph(states);

        // Adds the state of texts that agree up to a character. Nothing recurses deeper than the longest text.
        int Add(ArraySegment<int[]> same, int at)
        {
            bool isEnd = same[0].Length == at;
            var next = new Dictionary<int, List<int>>(); // the characters that lead to each state
            for (int i = isEnd ? 1 : 0; i < same.Count;)
            {
                int from = i, character = same[i][at];
                while (i < same.Count && same[i][at] == character)
                    i++;
                int to = Add(same[from..i], at + 1);
                if (!next.TryGetValue(to, out List<int>? characters))
                    next.Add(to, characters = []);
                characters.Add(character);
            }
            string key = $"{isEnd};{string.Join(';', next.Select(n => $"{n.Key}:{string.Join(',', n.Value)}"))}";
            if (known.TryGetValue(key, out int state))
                return state;
            known.Add(key, states.Count);
            states.Add(new GraphState(isEnd, [.. next.Select(n =>
                ((Expression)new Characters(CharacterSet.Of(n.Value.Select(c => (c, c)))), n.Key))]));
            return states.Count - 1;
        }
    }
}
