namespace Atelier.Models.BayesianNetwork;

/// <summary>A discrete variable: a name and its states. Immutable.</summary>
public sealed class Variable
{
    /// <summary>
    /// The largest number of states of a variable: values are stored as bytes, one of which marks a missing value.
    /// </summary>
    public const int MostStates = 255;

    private readonly Dictionary<string, int> _indices = [];

    /// <summary>Creates a variable.</summary>
    /// <param name="name">The name, not empty.</param>
    /// <param name="states">The names of the states, 1 to <see cref="MostStates"/>, all distinct.</param>
    /// <exception cref="AtelierException">The name is empty, there is no state or there are too many, or two states
    /// have the same name.</exception>
    public Variable(string name, IReadOnlyList<string> states)
    {
        if (name.Length == 0)
            throw new AtelierException("a variable has no name", hint: "name each column");
        if (states.Count is 0 or > MostStates)
        {
            throw new AtelierException($"the variable {name} has {states.Count} states", name,
                $"allowed: 1 to {MostStates}; group rare values, discretise numbers, or leave the variable out");
        }
        for (int state = 0; state < states.Count; state++)
        {
            if (!_indices.TryAdd(states[state], state))
                throw new AtelierException($"the variable {name} has the state '{states[state]}' twice", name,
                    "name each state once");
        }
        (Name, States) = (name, states);
    }

    /// <summary>The name of the variable.</summary>
    public string Name { get; }

    /// <summary>The names of the states. Elsewhere a state is represented by its index in this list.</summary>
    public IReadOnlyList<string> States { get; }

    /// <summary>Returns the index of the state with a name.</summary>
    /// <exception cref="AtelierException">There is no such state; the message suggests the nearest.</exception>
    public int StateOf(string state)
    {
        if (Find(state) is { } index)
            return index;
        string all = $"there are {string.Join(", ", States.Take(12))}{(States.Count > 12 ? " …" : "")}";
        throw new AtelierException($"{Name} has no value '{state}'", Name,
            Spelling.Nearest(state, States) is { } near ? $"did you mean '{near}'? {all}" : all);
    }

    /// <summary>Returns the index of the state with a name; null if there is none.</summary>
    public int? Find(string state) => _indices.TryGetValue(state, out int index) ? index : null;

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({string.Join(", ", States)})";
}
