using System.Globalization;

namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// A network compiled for many exact queries (Lauritzen and Spiegelhalter 1988): one clique for each variable, {x} ∪
/// context, joined to a tree by an elimination order (the bucket tree of Dechter 1999). Immutable; queries go through a
/// <see cref="Calibration"/>.
/// </summary>
public sealed class JunctionTree
{
    /// <summary>
    /// The largest number of cells of all cliques together. With a calibration, this takes about 300 MB.
    /// </summary>
    public const double MostCells = 1 << 23;

    private JunctionTree(DiscreteNetwork network, EliminationOrder order) => (Network, Order) = (network, order);

    /// <summary>The network.</summary>
    public DiscreteNetwork Network { get; }

    /// <summary>The order of elimination; clique k eliminates its k-th variable.</summary>
    public EliminationOrder Order { get; }

    /// <summary>The cliques, children before parents.</summary>
    internal Clique[] Cliques { get; private init; } = [];

    /// <summary>[variable]: the index of the clique that eliminates the variable.</summary>
    internal int[] CliqueOf { get; private init; } = [];

    /// <summary>[variable]: the index of a clique that contains the variable and all its parents.</summary>
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
            // The context of the family member that is eliminated first contains all the others.
            int k = network.Graph.Parents(i).Append(i).Min(v => cliqueOf[v]);
            familyCliqueOf[i] = k;
            int[] map = cliques[k].IndicesInto([.. network.Graph.Parents(i), i], network);
            ReadOnlySpan<double> table = network.Table(i);
            for (int cell = 0; cell < map.Length; cell++)
                cliques[k].Potential[cell] *= table[map[cell]];
        }
        foreach (Clique clique in cliques)
        {
            if (clique.Parent >= 0)
                clique.Separator = cliques[clique.Parent].IndicesInto(clique.Scope[..^1], network);
        }
        return new JunctionTree(network, order)
        {
            Cliques = cliques, CliqueOf = cliqueOf, FamilyCliqueOf = familyCliqueOf,
        };
    }

    /// <summary>
    /// One clique: the variables of the context, then the variable that the clique eliminates as the last dimension.
    /// </summary>
    internal sealed class Clique
    {
        /// <summary>The indices of the variables, the eliminated one last.</summary>
        public required int[] Scope { get; init; }

        /// <summary>The number of states of each variable.</summary>
        public required int[] Sizes { get; init; }

        /// <summary>The product of the tables assigned to this clique, [context …, own].</summary>
        public required double[] Potential { get; init; }

        /// <summary>The index of the clique that receives this clique's message; −1 at a root.</summary>
        public required int Parent { get; init; }

        /// <summary>For each cell of the parent clique, the index of the cell of this clique's message.</summary>
        public int[] Separator { get; set; } = [];

        /// <summary>The number of states of the eliminated variable.</summary>
        public int States => Sizes[^1];

        /// <summary>
        /// Creates the clique of a position in the elimination order, with a potential of ones.
        /// </summary>
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
        /// Computes for each cell of this clique the index of the cell of a table over <paramref name="variables"/>.
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
                Projection.Advance(digits, Sizes, strides, ref index);
            }
            return indices;
        }
    }
}
