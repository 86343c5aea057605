using System.Globalization;

namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// A network compiled for many exact queries: one clique a variable, {x} ∪ context, joined to a tree by an elimination
/// order (the bucket tree of Dechter 1999; Lauritzen and Spiegelhalter 1988). Immutable; a <see cref="Calibration"/>
/// asks it.
/// </summary>
public sealed class JunctionTree
{
    /// <summary>
    /// The most cells of all cliques together that are compiled: with what a calibration keeps, about 300 MB.
    /// </summary>
    public const double MostCells = 1 << 23;

    private JunctionTree(DiscreteNetwork network, EliminationOrder order) => (Network, Order) = (network, order);

    /// <summary>The network.</summary>
    public DiscreteNetwork Network { get; }

    /// <summary>The order of elimination; clique k eliminates its k-th variable.</summary>
    public EliminationOrder Order { get; }

    /// <summary>The cliques, children before parents.</summary>
    internal Clique[] Cliques { get; private init; } = [];

    /// <summary>The clique that eliminates each variable.</summary>
    internal int[] CliqueOf { get; private init; } = [];

    /// <summary>The clique that holds each variable with all its parents.</summary>
    internal int[] FamilyCliqueOf { get; private init; } = [];

    /// <summary>Compiles a network.</summary>
    /// <exception cref="AtelierException">Its cliques have more cells than <see cref="MostCells"/>.</exception>
    public static JunctionTree Compile(DiscreteNetwork network) => Compile(network, EliminationOrder.Of(network));

    /// <summary>Compiles a network in a given order of elimination.</summary>
    /// <inheritdoc cref="Compile(DiscreteNetwork)"/>
    public static JunctionTree Compile(DiscreteNetwork network, EliminationOrder order)
    {
        if (order.TotalCells > MostCells)
        {
            throw new AtelierException(string.Create(CultureInfo.InvariantCulture,
                $"exact inference would need {order.TotalCells:0.#e+0} cells (treewidth up to {order.Width}), more "
                    + $"than {MostCells:0.#e+0}"),
                hint: "learn with a smaller model.maxParents");
        }
        int count = network.Variables.Count;
        var cliqueOf = new int[count];
        for (int k = 0; k < count; k++)
            cliqueOf[order.Variables[k]] = k;

        Clique[] cliques = [.. Enumerable.Range(0, count).Select(k => Clique.Of(network, order, k, cliqueOf))];
        var familyCliqueOf = new int[count];
        for (int i = 0; i < count; i++)
        {
            // Whichever of the family goes first meets all the others in its context.
            int k = network.Graph.Parents(i).Append(i).Min(v => cliqueOf[v]);
            familyCliqueOf[i] = k;
            int[] map = cliques[k].IndicesInto([.. network.Graph.Parents(i), i], network);
            ReadOnlySpan<double> table = network.Table(i);
            for (int cell = 0; cell < map.Length; cell++)
                cliques[k].Potential[cell] *= table[map[cell]];
        }
        foreach (Clique clique in cliques)
            if (clique.Parent >= 0)
                clique.Separator = cliques[clique.Parent].IndicesInto(clique.Scope[..^1], network);
        return new JunctionTree(network, order) { Cliques = cliques, CliqueOf = cliqueOf,
            FamilyCliqueOf = familyCliqueOf };
    }

    /// <summary>
    /// One clique: the context's variables, then the one that it eliminates, which is the fastest index.
    /// </summary>
    internal sealed class Clique
    {
        /// <summary>The variables, the eliminated one last.</summary>
        public required int[] Scope { get; init; }

        /// <summary>Number of states of each.</summary>
        public required int[] Sizes { get; init; }

        /// <summary>The product of the tables that belong here, [context …, own].</summary>
        public required double[] Potential { get; init; }

        /// <summary>The clique that the message goes to; −1 at a root.</summary>
        public required int Parent { get; init; }

        /// <summary>For each cell of the parent the cell of this clique's message.</summary>
        public int[] Separator { get; set; } = [];

        /// <summary>How many states the eliminated variable has.</summary>
        public int States => Sizes[^1];

        public static Clique Of(DiscreteNetwork network, EliminationOrder order, int place, int[] cliqueOf)
        {
            int[] scope = [.. order.Contexts[place], order.Variables[place]];
            int[] sizes = [.. scope.Select(network.StatesOf)];
            var potential = new double[sizes.Aggregate(1, (product, size) => product * size)];
            Array.Fill(potential, 1);
            return new Clique
            {
                Scope = scope, Sizes = sizes, Potential = potential,
                Parent = scope.Length == 1 ? -1 : order.Contexts[place].Min(v => cliqueOf[v]),
            };
        }

        /// <summary>
        /// For each cell of this clique the cell of a table over <paramref name="variables"/>, the first slowest.
        /// </summary>
        public int[] IndicesInto(int[] variables, DiscreteNetwork network)
        {
            var strides = new int[Scope.Length];
            int stride = 1;
            for (int i = variables.Length - 1; i >= 0; i--)
            {
                strides[Array.IndexOf(Scope, variables[i])] = stride;
                stride *= network.StatesOf(variables[i]);
            }
            var indices = new int[Potential.Length];
            var digits = new int[Scope.Length];
            int index = 0;
            for (int cell = 0; cell < indices.Length; cell++)
            {
                indices[cell] = index;
                for (int d = Scope.Length - 1; d >= 0; d--)
                {
                    index += strides[d];
                    if (++digits[d] < Sizes[d])
                        break;
                    index -= digits[d] * strides[d];
                    digits[d] = 0;
                }
            }
            return indices;
        }
    }
}
