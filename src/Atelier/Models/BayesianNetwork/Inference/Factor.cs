namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>A table of non-negative numbers over some variables, the first slowest.</summary>
/// <param name="Scope">The variables' numbers.</param>
/// <param name="Sizes">Number of states of each.</param>
/// <param name="Values">One number for each combination.</param>
internal sealed record Factor(int[] Scope, int[] Sizes, double[] Values)
{
    /// <summary>The most cells of one factor: 512 MB.</summary>
    public const double MostCells = 1 << 26;

    private const double WorthGathering = 1 << 12;
    private const double WorthSharing = 1 << 17;

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
        var values = new double[stride == 1 ? 1 : (int)CellsOf(scope, network.StatesOf)];
        ReadOnlySpan<double> table = network.Table(variable);
        var digits = new int[scope.Length];
        for (int cell = 0, index = start; cell < values.Length; cell++)
        {
            values[cell] = table[index];
            Projection.Advance(digits, sizes, strides, ref index);
        }
        return new Factor(scope, sizes, values);
    }

    /// <summary>How many combinations of states some variables have.</summary>
    public static double CellsOf(IEnumerable<int> scope, Func<int, int> statesOf) =>
        scope.Aggregate(1.0, (product, v) => product * statesOf(v));

    /// <summary>
    /// The product of several factors with every variable that is not in <paramref name="scope"/> summed out, or
    /// maximised out.
    /// </summary>
    /// <param name="factors">The factors.</param>
    /// <param name="scope">The variables of the result, the first slowest.</param>
    /// <param name="statesOf">Number of states of a variable.</param>
    /// <param name="maximise">Takes the greatest product instead of the sum.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The result has more than <see cref="MostCells"/>.</exception>
    public static Factor Project(
        IReadOnlyList<Factor> factors, int[] scope, Func<int, int> statesOf, bool maximise = false,
            CancellationToken cancellation = default)
    {
        double cells = CellsOf(scope, statesOf);
        if (cells > MostCells)
        {
            throw new AtelierException(FormattableString.Invariant($"the query needs a table of {cells:0.#e+0} cells"),
                hint: "query fewer variables at once");
        }
        int[] gone = [.. factors.SelectMany(f => f.Scope).Distinct().Except(scope).OrderBy(statesOf)];
        double all = cells * CellsOf(gone, statesOf);
        if (all > WorthGathering)
            factors = Gather(factors, all / 8, statesOf, cancellation);
        var projection = new Projection(factors, scope, gone, statesOf, maximise);
        var values = new double[(int)cells];
        if (all < WorthSharing)
        {
            projection.Fill(values, 0);
        }
        else
        {
            int chunk = (int)Math.Clamp(WorthSharing * cells / all, 1, values.Length);
            Parallel.For(0, (values.Length + chunk - 1) / chunk,
                new ParallelOptions { CancellationToken = cancellation },
                part => projection.Fill(values.AsSpan(part * chunk, Math.Min(chunk, values.Length - (part * chunk))),
                    part * chunk));
        }
        return new Factor(scope, [.. scope.Select(statesOf)], values);
    }

    /// <summary>The factor divided by its greatest number, that long products of small ones do not vanish.</summary>
    /// <param name="greatest">What it was divided by; where this is 0 the factor stays.</param>
    public Factor Scaled(out double greatest)
    {
        greatest = Values.Max();
        double scale = greatest > 0 ? greatest : 1;
        return this with { Values = Array.ConvertAll(Values, v => v / scale) };
    }

    // Small factors are multiplied first: a large product then reads two or three numbers a cell.
    private static List<Factor> Gather(IReadOnlyList<Factor> factors, double most, Func<int, int> statesOf,
        CancellationToken cancellation)
    {
        var gathered = new List<Factor>();
        foreach (Factor factor in factors.OrderBy(f => f.Values.Length))
        {
            int at = gathered.FindIndex(g => CellsOf(g.Scope.Union(factor.Scope), statesOf) <= most);
            if (at < 0)
                gathered.Add(factor);
            else
                gathered[at] = Project([gathered[at], factor], [.. gathered[at].Scope.Union(factor.Scope)], statesOf,
                    cancellation: cancellation);
        }
        return gathered;
    }
}
