namespace Atelier.Generation.Constraints;

/// <summary>Builds graphs from a first state and the edges of each.</summary>
/// <param name="count">Counts states and edges, and refuses too many.</param>
internal sealed class GraphBuilder<TState>(Action<int> count)
    where TState : notnull
{
    /// <summary>Returns the graph of the states that are reached from the first.</summary>
    public Graph Build(TState start, Func<TState, IEnumerable<(Expression, TState)>> edgesOf,
        Func<TState, bool> isEnd)
    {
        var numbers = new Dictionary<TState, int> { [start] = 0 };
        var states = new List<TState> { start };
        var built = new List<GraphState>();
        for (int i = 0; i < states.Count; i++)
        {
            var edges = new List<(Expression, int)>();
            foreach ((Expression part, TState to) in edgesOf(states[i]))
            {
                if (!numbers.TryGetValue(to, out int number))
                {
                    numbers.Add(to, number = states.Count);
                    states.Add(to);
                }
                edges.Add((part, number));
            }
            count(1 + edges.Count);
            built.Add(new GraphState(isEnd(states[i]), edges));
        }
        return new Graph(built);
    }
}
