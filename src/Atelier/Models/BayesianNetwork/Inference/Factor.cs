namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>A table of non-negative numbers over some variables, the first slowest.</summary>
/// <param name="Scope">The variables' numbers, ascending.</param>
/// <param name="Sizes">How many states each has.</param>
/// <param name="Values">One number for each combination.</param>
internal sealed record Factor(int[] Scope, int[] Sizes, double[] Values)
{
    private const double MostCells = 1 << 25;

    /// <summary>A variable's table, with observed variables fixed and left out.</summary>
    public static Factor Of(DiscreteNetwork network, int variable, IReadOnlyDictionary<int, int> evidence)
    {
        int[] family = [.. network.Graph.Parents(variable), variable];
        int[] scope = [.. family.Where(v => !evidence.ContainsKey(v)).Order()];
        int[] sizes = [.. scope.Select(network.StatesOf)];
        var strides = new int[scope.Length];
        int stride = 1, start = 0;
        foreach (int member in family.Reverse())
        {
            if (evidence.TryGetValue(member, out int state))
                start += state * stride;
            else
                strides[Array.IndexOf(scope, member)] = stride;
            stride *= network.StatesOf(member);
        }
        var values = new double[Cells(sizes)];
        ReadOnlySpan<double> table = network.Table(variable);
        var walk = new Walk(sizes, strides);
        for (int cell = 0; cell < values.Length; cell++, walk.Next())
            values[cell] = table[start + walk.Index];
        return new Factor(scope, sizes, values);
    }

    /// <summary>The product of several factors with one variable summed out.</summary>
    public static Factor SumOut(IReadOnlyList<Factor> factors, int variable, Func<int, int> statesOf)
    {
        int[] kept = [.. factors.SelectMany(f => f.Scope).Distinct().Where(v => v != variable).Order()];
        Factor product = Multiply(factors, [.. kept, variable], statesOf);
        int states = statesOf(variable);
        var values = new double[product.Values.Length / states];
        for (int cell = 0; cell < values.Length; cell++)
            for (int state = 0; state < states; state++)
                values[cell] += product.Values[(cell * states) + state];
        return new Factor(kept, product.Sizes[..^1], values);
    }

    /// <summary>The product of several factors, laid out over <paramref name="scope"/>.</summary>
    public static Factor Multiply(IReadOnlyList<Factor> factors, int[] scope, Func<int, int> statesOf)
    {
        int[] sizes = [.. scope.Select(statesOf)];
        var values = new double[Cells(sizes)];
        Array.Fill(values, 1);
        foreach (Factor factor in factors)
        {
            var strides = new int[scope.Length];
            for (int d = factor.Scope.Length - 1, stride = 1; d >= 0; stride *= factor.Sizes[d--])
                strides[Array.IndexOf(scope, factor.Scope[d])] = stride;
            var walk = new Walk(sizes, strides);
            for (int cell = 0; cell < values.Length; cell++, walk.Next())
                values[cell] *= factor.Values[walk.Index];
        }
        return new Factor(scope, sizes, values);
    }

    private static int Cells(int[] sizes)
    {
        double cells = sizes.Aggregate(1.0, (product, size) => product * size);
        return cells <= MostCells ? (int)cells : throw new AtelierException(
            FormattableString.Invariant($"the query needs a table of {cells:0.#e+0} cells"), hint: "ask for fewer variables, or by likelihood weighting");
    }

    /// <summary>Steps through all combinations of states, keeping an index into another layout.</summary>
    private struct Walk(int[] sizes, int[] strides)
    {
        private readonly int[] _digits = new int[sizes.Length];

        public int Index { get; private set; }

        public void Next()
        {
            for (int d = sizes.Length - 1; d >= 0; d--)
            {
                Index += strides[d];
                if (++_digits[d] < sizes[d])
                    return;
                Index -= _digits[d] * strides[d];
                _digits[d] = 0;
            }
        }
    }
}
