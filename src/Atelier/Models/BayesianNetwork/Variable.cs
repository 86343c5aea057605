namespace Atelier.Models.BayesianNetwork;

/// <summary>A discrete variable: a name and the values it may take.</summary>
public sealed class Variable
{
    /// <summary>The most states of a variable: a value is one byte, of which one value means "missing".</summary>
    public const int MostStates = 255;

    private readonly Dictionary<string, int> _indices = [];

    /// <summary>Makes a variable.</summary>
    /// <param name="name">Its name, not empty.</param>
    /// <param name="states">Its values by name, 1 to <see cref="MostStates"/>, each once.</param>
    /// <exception cref="AtelierException">There is no name, no state, too many, or one twice.</exception>
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
            if (!_indices.TryAdd(states[state], state))
                throw new AtelierException($"the variable {name} has the state '{states[state]}' twice", name,
                    "name each state once");
        (Name, States) = (name, states);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its values by name; a state's index stands for it everywhere.</summary>
    public IReadOnlyList<string> States { get; }

    /// <summary>The index of a state by name.</summary>
    /// <exception cref="AtelierException">There is no such state; the message suggests the nearest.</exception>
    public int StateOf(string state)
    {
        if (Find(state) is { } index)
            return index;
        string all = $"there are {string.Join(", ", States.Take(12))}{(States.Count > 12 ? " …" : "")}";
        throw new AtelierException($"{Name} has no value '{state}'", Name,
            Spelling.Nearest(state, States) is { } near ? $"did you mean '{near}'? {all}" : all);
    }

    /// <summary>The index of a state by name; null where there is none.</summary>
    public int? Find(string state) => _indices.TryGetValue(state, out int index) ? index : null;

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({string.Join(", ", States)})";
}
