namespace Atelier.Models.BayesianNetwork;

/// <summary>
/// A Bayesian network over discrete variables (Pearl 1988): a directed acyclic graph, and for each variable a
/// conditional probability table given its parents. P(x₁ … xₙ) = ∏ P(xᵢ | parents of xᵢ). Immutable, so threads may
/// share it.
/// </summary>
public sealed class DiscreteNetwork
{
    private const double Tolerance = 1e-6;

    private readonly double[][] _tables;
    private readonly Dictionary<string, int> _indices = [];

    /// <summary>Creates a network.</summary>
    /// <param name="variables">The variables, with distinct names.</param>
    /// <param name="graph">The graph over the indices of the variables.</param>
    /// <param name="tables">The table of each variable, [parents' states …, own states], in row-major order with the
    /// first parent outermost. Each row sums to 1.</param>
    /// <exception cref="AtelierException">Two variables have the same name, or a table has the wrong size, a negative
    /// number, or a row that does not sum to 1.</exception>
    public DiscreteNetwork(IReadOnlyList<Variable> variables, DirectedGraph graph, IReadOnlyList<double[]> tables)
    {
        (Variables, Graph, _tables) = (variables, graph, [.. tables]);
        for (int i = 0; i < variables.Count; i++)
        {
            if (!_indices.TryAdd(variables[i].Name, i))
                throw new AtelierException($"there are two variables {variables[i].Name}",
                    hint: "name each variable once");
            Check(i);
        }
    }

    /// <summary>The variables.</summary>
    public IReadOnlyList<Variable> Variables { get; }

    /// <summary>The graph over the indices of the variables.</summary>
    public DirectedGraph Graph { get; }

    /// <summary>The number of free parameters: rows · (states − 1), summed over the tables.</summary>
    public long ParameterCount => Enumerable.Range(0, Variables.Count).Sum(i => (long)RowsOf(i) * (StatesOf(i) - 1));

    /// <summary>A variable's table, [parents' states …, own states], in row-major order.</summary>
    public ReadOnlySpan<double> Table(int variable) => _tables[variable];

    /// <summary>The number of states of a variable.</summary>
    public int StatesOf(int variable) => Variables[variable].States.Count;

    /// <summary>The number of rows of a variable's table: the combinations of its parents' states.</summary>
    public int RowsOf(int variable) => _tables[variable].Length / StatesOf(variable);

    /// <summary>A variable's distribution given the states of its parents.</summary>
    /// <param name="variable">The variable.</param>
    /// <param name="states">The states of all variables, of which only those of the parents are read.</param>
    public ReadOnlySpan<double> Distribution(int variable, ReadOnlySpan<byte> states)
    {
        int row = 0;
        foreach (int parent in Graph.Parents(variable))
            row = (row * StatesOf(parent)) + states[parent];
        int count = StatesOf(variable);
        return _tables[variable].AsSpan(row * count, count);
    }

    /// <summary>Returns the index of the variable with a name.</summary>
    /// <exception cref="AtelierException">No variable has the name; the message suggests the nearest.</exception>
    public int IndexOf(string name)
    {
        if (_indices.TryGetValue(name, out int index))
            return index;
        IEnumerable<string> names = Variables.Select(v => v.Name);
        string all = $"there are {string.Join(", ", names.Take(20))}{(Variables.Count > 20 ? " …" : "")}";
        throw new AtelierException($"there is no variable '{name}'",
            hint: Spelling.Nearest(name, names) is { } near ? $"did you mean '{near}'? {all}" : all);
    }

    /// <summary>The natural logarithm of the probability of a complete row; −∞ if the row is impossible.</summary>
    /// <param name="states">The state of each variable.</param>
    public double LogProbability(ReadOnlySpan<byte> states)
    {
        double sum = 0;
        for (int i = 0; i < Variables.Count; i++)
            sum += Math.Log(Distribution(i, states)[states[i]]);
        return sum;
    }

    /// <summary>
    /// Returns the network after an intervention, do(X = x) (Pearl 2009, section 3.2): the variables are set from
    /// outside, so that their parents no longer influence them.
    /// </summary>
    /// <param name="settings">The index of the state that each variable is set to, by the index of the
    /// variable.</param>
    public DiscreteNetwork Do(IReadOnlyDictionary<int, int> settings)
    {
        if (settings.Count == 0)
            return this;
        int[][] parents = [.. Variables.Select((_, i) => settings.ContainsKey(i) ? [] : Graph.Parents(i).ToArray())];
        double[][] tables = [.. _tables.Select((table, i) =>
            settings.TryGetValue(i, out int state) ? PointAt(state, StatesOf(i)) : table)];
        return new DiscreteNetwork(Variables, new DirectedGraph(parents, [.. Variables.Select(v => v.Name)]), tables);
    }

    private static double[] PointAt(int state, int count)
    {
        var table = new double[count];
        table[state] = 1;
        return table;
    }

    private void Check(int variable)
    {
        string name = Variables[variable].Name;
        int states = StatesOf(variable);
        long cells = Graph.Parents(variable)
            .Aggregate((long)states, (product, parent) => checked(product * StatesOf(parent)));
        if (_tables[variable].Length != cells)
            throw new AtelierException($"the table of {name} has {_tables[variable].Length} numbers, not {cells}", name,
                "give a probability for each combination of states");
        for (int row = 0; row < cells / states; row++)
        {
            ReadOnlySpan<double> numbers = _tables[variable].AsSpan(row * states, states);
            double sum = 0;
            foreach (double number in numbers)
                sum += number >= 0 ? number : double.NaN;
            if (!(Math.Abs(sum - 1) <= Tolerance))
                throw new AtelierException(
                    $"row {row + 1} of the table of {name} is not a distribution: "
                        + $"{string.Join(", ", numbers.ToArray())}",
                    name, "give numbers from 0 to 1 that sum to 1");
        }
    }
}
