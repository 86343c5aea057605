namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// A junction tree calibrated for evidence: it gives the exact probability of the evidence, marginals and conditional
/// tables. Messages that evidence does not affect are computed once. Not thread-safe: create one for each thread.
/// </summary>
public sealed class Calibration
{
    private readonly JunctionTree _tree;
    private readonly Pass _prior;
    private readonly Pass _posterior;
    private readonly double[] _priorScales;
    private readonly bool[] _touched;
    private readonly double[]?[] _beliefs;
    private readonly double[]?[] _beliefBuffers;
    private SortedDictionary<int, int> _evidence = [];

    /// <summary>Creates a calibration without evidence.</summary>
    public Calibration(JunctionTree tree)
    {
        _tree = tree;
        _prior = new Pass(tree);
        _posterior = new Pass(tree);
        _touched = new bool[tree.Cliques.Length];
        _beliefs = new double[tree.Cliques.Length][];
        _beliefBuffers = new double[tree.Cliques.Length][];
        _priorScales = [.. Enumerable.Range(0, _touched.Length)
            .Select(k => _prior.Collect(k, _ => _prior, observed: null))];
    }

    /// <summary>The natural logarithm of the probability of the evidence.</summary>
    public double LogEvidence { get; private set; }

    /// <summary>Replaces the evidence.</summary>
    /// <param name="evidence">The index of the state of each observed variable, by the index of the variable.</param>
    /// <returns>Whether the evidence is possible. If it is not, marginals are undefined.</returns>
    public bool TrySet(IReadOnlyDictionary<int, int> evidence)
    {
        _evidence = new SortedDictionary<int, int>(evidence.ToDictionary());
        Array.Clear(_touched);
        Array.Clear(_beliefs);
        foreach (int variable in _evidence.Keys)
        {
            for (int k = _tree.CliqueOf[variable]; k >= 0 && !_touched[k]; k = _tree.Cliques[k].Parent)
                _touched[k] = true;
        }
        LogEvidence = 0;
        for (int k = 0; k < _touched.Length; k++)
            LogEvidence += _touched[k] ? _posterior.Collect(k, PassOf, ObservedAt(k)) : _priorScales[k];
        return LogEvidence > double.NegativeInfinity;
    }

    /// <summary>Replaces the evidence.</summary>
    /// <exception cref="AtelierException">The evidence has probability zero.</exception>
    public void Set(IReadOnlyDictionary<int, int> evidence)
    {
        if (!TrySet(evidence))
            throw Evidence.Impossible(_tree.Network, evidence);
    }

    /// <summary>Computes the marginal P(x | e) of one variable.</summary>
    /// <param name="variable">The index of the variable.</param>
    /// <param name="distribution">Receives the probability of each state.</param>
    public void Marginal(int variable, Span<double> distribution)
    {
        distribution.Clear();
        ReadOnlySpan<double> belief = Belief(_tree.CliqueOf[variable]);
        for (int cell = 0; cell < belief.Length; cell += distribution.Length)
        {
            for (int state = 0; state < distribution.Length; state++)
                distribution[state] += belief[cell + state];
        }
    }

    /// <summary>Returns the marginal P(x | e) of one variable, [state].</summary>
    public double[] Marginal(int variable)
    {
        var distribution = new double[_tree.Network.StatesOf(variable)];
        Marginal(variable, distribution);
        return distribution;
    }

    /// <summary>Adds P(parents, x | e) · <paramref name="weight"/> to a table laid out as the variable's own.</summary>
    internal void AddFamily(int variable, ReadOnlySpan<int> indices, double weight, Span<double> table)
    {
        ReadOnlySpan<double> belief = Belief(_tree.FamilyCliqueOf[variable]);
        for (int cell = 0; cell < belief.Length; cell++)
            table[indices[cell]] += weight * belief[cell];
    }

    /// <summary>
    /// Returns P(x | context, e) of each variable, whose context are variables later in the order of elimination. Their
    /// product is the posterior of all variables, from which complete rows can be sampled exactly.
    /// </summary>
    internal IEnumerable<(int Variable, int[] Context, double[] Table)> Conditionals()
    {
        for (int k = _tree.Cliques.Length - 1; k >= 0; k--)
        {
            int[] scope = _tree.Cliques[k].Scope;
            var table = (double[])PassOf(k).Product[k].Clone();
            NormaliseRows(table, _tree.Cliques[k].States);
            yield return (scope[^1], scope[..^1], table);
        }
    }

    private Pass PassOf(int clique) => _touched[clique] ? _posterior : _prior;

    private int? ObservedAt(int clique) =>
        _evidence.TryGetValue(_tree.Order.Variables[clique], out int state) ? state : null;

    // P(clique | e) = P(context | e) P(x | context, e), where P(context | e) is a marginal of the parent's belief
    private double[] Belief(int k)
    {
        if (_beliefs[k] is { } known)
            return known;
        JunctionTree.Clique clique = _tree.Cliques[k];
        double[] product = PassOf(k).Product[k], belief = _beliefBuffers[k] ??= new double[product.Length];
        product.CopyTo(belief, 0);
        NormaliseRows(belief, clique.States);
        if (clique.Parent >= 0)
        {
            double[] above = Belief(clique.Parent);
            int rows = product.Length / clique.States;
            Span<double> context = rows <= 512 ? stackalloc double[rows] : new double[rows];
            context.Clear();
            int[] separator = clique.Separator;
            for (int cell = 0; cell < above.Length; cell++)
                context[separator[cell]] += above[cell];
            for (int row = 0; row < context.Length; row++)
            {
                for (int state = 0; state < clique.States; state++)
                    belief[(row * clique.States) + state] *= context[row];
            }
        }
        return _beliefs[k] = belief;
    }

    private static void NormaliseRows(double[] table, int states)
    {
        for (int row = 0; row < table.Length; row += states)
        {
            Span<double> numbers = table.AsSpan(row, states);
            double sum = 0;
            foreach (double number in numbers)
                sum += number;
            for (int state = 0; state < states; state++)
                numbers[state] = sum > 0 ? numbers[state] / sum : 0; // 0 for contexts that the evidence rules out
        }
    }

    /// <summary>The products and messages of one pass from the leaves to the roots.</summary>
    private sealed class Pass
    {
        private readonly JunctionTree _tree;
        private readonly double[][] _messages;
        private readonly List<int>[] _children;

        public Pass(JunctionTree tree)
        {
            _tree = tree;
            Product = [.. tree.Cliques.Select(c => new double[c.Potential.Length])];
            _messages = [.. tree.Cliques.Select(c => new double[c.Potential.Length / c.States])];
            _children = [.. tree.Cliques.Select(_ => new List<int>())];
            for (int k = 0; k < tree.Cliques.Length; k++)
            {
                if (tree.Cliques[k].Parent >= 0)
                    _children[tree.Cliques[k].Parent].Add(k);
            }
        }

        /// <summary>The potential of each clique multiplied by its children's messages, [context …, own].</summary>
        public double[][] Product { get; }

        /// <summary>
        /// Computes a clique's product and message. The message is divided by its largest value.
        /// </summary>
        /// <param name="k">The index of the clique.</param>
        /// <param name="passOf">The pass that holds the message of each child.</param>
        /// <param name="observed">The observed state of the clique's variable; null if it is not observed.</param>
        /// <returns>The logarithm of the divisor; −∞ if the message is zero.</returns>
        public double Collect(int k, Func<int, Pass> passOf, int? observed)
        {
            JunctionTree.Clique clique = _tree.Cliques[k];
            double[] product = Product[k], message = _messages[k];
            clique.Potential.CopyTo(product, 0);
            foreach (int child in _children[k])
            {
                double[] incoming = passOf(child)._messages[child];
                int[] separator = _tree.Cliques[child].Separator;
                for (int cell = 0; cell < product.Length; cell++)
                    product[cell] *= incoming[separator[cell]];
            }
            int states = clique.States;
            double greatest = 0;
            for (int row = 0; row < message.Length; row++)
            {
                Span<double> numbers = product.AsSpan(row * states, states);
                double result = 0;
                for (int state = 0; state < states; state++)
                {
                    if (observed is { } seen && seen != state)
                        numbers[state] = 0;
                    result += numbers[state];
                }
                message[row] = result;
                greatest = Math.Max(greatest, result);
            }
            if (greatest <= 0)
                return double.NegativeInfinity;
            for (int row = 0; row < message.Length; row++)
                message[row] /= greatest;
            return Math.Log(greatest);
        }
    }
}
