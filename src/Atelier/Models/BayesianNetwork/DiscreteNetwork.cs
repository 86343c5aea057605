namespace Atelier.Models.BayesianNetwork;

/// <summary>
/// A Bayesian network over discrete variables (Pearl 1988): a graph without cycles, and for each variable a table of
/// its distribution given its parents. P(x₁ … xₙ) = ∏ P(xᵢ | parents of xᵢ). Immutable, so threads may share it.
/// </summary>
public sealed class DiscreteNetwork
{
    private const double Tolerance = 1e-6;

    private readonly double[][] _tables;
    private readonly Dictionary<string, int> _indices = [];

    /// <summary>Makes a network.</summary>
    /// <param name="variables">Its variables, each name once.</param>
    /// <param name="graph">Its edges, by the variables' numbers.</param>
    /// <param name="tables">For each variable the table [parents' states …, own states], the first parent slowest, each
    /// row summing to 1.</param>
    /// <exception cref="AtelierException">A name appears twice, or a table has the wrong size, a negative number, or a
    /// row that does not sum to 1.</exception>
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

    /// <summary>Its variables.</summary>
    public IReadOnlyList<Variable> Variables { get; }

    /// <summary>Its edges.</summary>
    public DirectedGraph Graph { get; }

    /// <summary>Free parameters: for each variable, rows of its table times (states − 1).</summary>
    public long ParameterCount => Enumerable.Range(0, Variables.Count).Sum(i => (long)RowsOf(i) * (StatesOf(i) - 1));

    /// <summary>A variable's table, [parents' states …, own states], the first parent slowest.</summary>
    public ReadOnlySpan<double> Table(int variable) => _tables[variable];

    /// <summary>Number of states of a variable.</summary>
    public int StatesOf(int variable) => Variables[variable].States.Count;

    /// <summary>Number of rows in a variable's table: the combinations of its parents' states.</summary>
    public int RowsOf(int variable) => _tables[variable].Length / StatesOf(variable);

    /// <summary>A variable's distribution for one combination of its parents' states.</summary>
    /// <param name="variable">The variable.</param>
    /// <param name="states">The states of all variables; only its parents' are read.</param>
    public ReadOnlySpan<double> Distribution(int variable, ReadOnlySpan<byte> states)
    {
        int row = 0;
        foreach (int parent in Graph.Parents(variable))
            row = (row * StatesOf(parent)) + states[parent];
        int count = StatesOf(variable);
        return _tables[variable].AsSpan(row * count, count);
    }

    /// <summary>The number of the variable of that name.</summary>
    /// <exception cref="AtelierException">There is none; the message suggests the nearest.</exception>
    public int IndexOf(string name)
    {
        if (_indices.TryGetValue(name, out int index))
            return index;
        IEnumerable<string> names = Variables.Select(v => v.Name);
        string all = $"there are {string.Join(", ", names.Take(20))}{(Variables.Count > 20 ? " …" : "")}";
        throw new AtelierException($"there is no variable '{name}'", hint: Spelling.Nearest(name, names) is { } near
            ? $"did you mean '{near}'? {all}" : all);
    }

    /// <summary>The natural logarithm of the probability of a whole row; −∞ where it is impossible.</summary>
    /// <param name="states">The state of each variable.</param>
    public double LogProbability(ReadOnlySpan<byte> states)
    {
        double sum = 0;
        for (int i = 0; i < Variables.Count; i++)
            sum += Math.Log(Distribution(i, states)[states[i]]);
        return sum;
    }

    /// <summary>
    /// The network after an intervention, do(X = x) (Pearl 2009, section 3.2): the variables are set from outside, so
    /// that their parents no longer reach them.
    /// </summary>
    /// <param name="settings">The state that each is set to, by the variable's number.</param>
    public DiscreteNetwork Do(IReadOnlyDictionary<int, int> settings)
    {
        if (settings.Count == 0)
            return this;
        int[][] parents = [.. Variables.Select((_, i) => settings.ContainsKey(i) ? [] : Graph.Parents(i).ToArray())];
        double[][] tables =
            [.. _tables.Select((table, i) =>
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
