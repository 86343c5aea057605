namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>A factor: a table of non-negative numbers over some variables.</summary>
/// <param name="Scope">The indices of the variables.</param>
/// <param name="Sizes">The number of states of each variable.</param>
/// <param name="Values">One number for each combination of states, in row-major order.</param>
internal sealed record Factor(int[] Scope, int[] Sizes, double[] Values)
{
    /// <summary>The most cells of one factor: 512 MB.</summary>
    public const double MostCells = 1 << 26;

    private const double WorthGathering = 1 << 12; // cells of the product above which small factors are merged first
    private const double WorthSharing = 1 << 17; // cells of the product that are worth another thread

    /// <summary>Creates the factor of a variable's table, with observed variables fixed and removed.</summary>
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

    /// <summary>The number of combinations of states of some variables.</summary>
    public static double CellsOf(IEnumerable<int> scope, Func<int, int> statesOf) =>
        scope.Aggregate(1.0, (product, v) => product * statesOf(v));

    /// <summary>
    /// Multiplies factors, and sums or maximises out every variable that is not in <paramref name="scope"/>.
    /// </summary>
    /// <param name="factors">The factors.</param>
    /// <param name="scope">The variables of the result, in the order of its dimensions.</param>
    /// <param name="statesOf">Returns the number of states of a variable.</param>
    /// <param name="maximise">Whether variables are maximised out instead of summed out.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The result has more than <see cref="MostCells"/> cells.</exception>
    public static Factor Project(IReadOnlyList<Factor> factors, int[] scope, Func<int, int> statesOf,
        bool maximise = false, CancellationToken cancellation = default)
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
            var options = new ParallelOptions { CancellationToken = cancellation };
            Parallel.For(0, (values.Length + chunk - 1) / chunk, options, part =>
            {
                int first = part * chunk;
                projection.Fill(values.AsSpan(first, Math.Min(chunk, values.Length - first)), first);
            });
        }
        return new Factor(scope, [.. scope.Select(statesOf)], values);
    }

    /// <summary>Divides the factor by its largest value, so that long products do not underflow.</summary>
    /// <param name="greatest">Receives the largest value. If it is 0, the factor is not divided.</param>
    public Factor Scaled(out double greatest)
    {
        greatest = Values.Max();
        double scale = greatest > 0 ? greatest : 1;
        return this with { Values = Array.ConvertAll(Values, v => v / scale) };
    }

    // Small factors are multiplied first, so that a large product reads only two or three numbers for each cell.
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
