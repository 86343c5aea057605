using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Tables;
using Atelier.Formats;
using Atelier.Models.BayesianNetwork.Structure;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Tables;
using Atelier.Tensors;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Models.BayesianNetwork;

/// <summary>
/// The family of Bayesian networks over discrete variables, learned by structure search, counting and expectation
/// maximisation.
/// </summary>
public sealed class BayesianNetworkFamily : IModelFamily, IFileExchange
{
    private const string ModelType = "atelier_bayesian_network";

    /// <inheritdoc/>
    public string Name => "bayesian-network";

    /// <inheritdoc/>
    public string Description =>
        "a directed acyclic graph over discrete columns: sampling with evidence, queries, interventions";

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new TableTask { LevelsOnly = true }];

    /// <inheritdoc/>
    public bool TakesSteps => false;

    /// <inheritdoc/>
    public Type ConfigType => typeof(BayesianNetworkConfig);

    /// <inheritdoc/>
    public IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) =>
    [
        new("hill climbing, BIC", ["model.structure=hill-climbing"]),
        new("hill climbing, BDeu", ["model.structure=hill-climbing", "model.score=bdeu"]),
        new("Chow-Liu tree", ["model.structure=chow-liu"]),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => [ModelType];

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data) =>
        new BayesianNetworkLearner(recipe, (TableData)data);

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        TableSchema schema = TableSchema.Read(bundle.SchemaPath);
        BundledNetwork bundled = ConfigFile.Read(bundle.ConfigPath).Read<BundledNetwork>();
        int count = schema.Columns.Count;
        if (bundled.Parents.Count != count || bundled.Parents.Any(parents => parents.Any(p => p < 0 || p >= count)))
            throw new AtelierException("parents does not fit the columns of schema.json", bundle.ConfigPath,
                "export the model again");
        using SafetensorsFile weights = SafetensorsFile.Open(bundle.WeightsPath);
        try
        {
            Variable[] variables = NetworkRows.Variables(schema);
            double[][] tables = [.. variables.Select((_, i) => Table(weights, i)).StoppedBy(cancellation)];
            var graph = new DirectedGraph([.. bundled.Parents.Select(p => p.ToArray())], schema.Names);
            return new BayesianNetworkModel(schema, new DiscreteNetwork(variables, graph, tables), bundled.Learning);
        }
        catch (AtelierException e)
        {
            throw new AtelierException(e.Message, bundle.Folder, "export the model again", e);
        }
    }

    /// <inheritdoc/>
    public string Format => "bif";

    /// <inheritdoc/>
    public bool Reads(string path) =>
        path.EndsWith(".bif", StringComparison.OrdinalIgnoreCase)
        || path.EndsWith(".bif.gz", StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public void Import(string path, string folder)
    {
        DiscreteNetwork network = BifFile.Read(path);
        var config = new BayesianNetworkConfig
        {
            Structure = StructureName.Given,
            Edges = [.. network.Graph.Edges.Select(e => EdgeList.Show(e, network.Variables))],
        };
        Write(folder, NetworkRows.Schema(network), network, config,
            $"# {Path.GetFileName(path).Split('.')[0]}\n\nA Bayesian network, made of {Path.GetFileName(path)}.\n");
    }

    /// <inheritdoc/>
    public void Export(Bundle bundle, string path)
    {
        if (bundle.ModelType != ModelType)
            throw new AtelierException($"a model of type '{bundle.ModelType}' is not a Bayesian network",
                Mention.Field("format"), "choose another format");
        using var model = (BayesianNetworkModel)Load(bundle, "cpu");
        BifFile.Write(path, model.Network);
    }

    /// <summary>Writes a network as a bundle.</summary>
    internal static void Write(string folder, TableSchema schema, DiscreteNetwork network, BayesianNetworkConfig config,
        string card)
    {
        using var scope = NewDisposeScope();
        var bundled = new BundledNetwork
        {
            Parents = [.. network.Variables.Select((_, i) => network.Graph.Parents(i))], Learning = config,
        };
        Dictionary<string, Tensor> tables =
            Enumerable.Range(0, network.Variables.Count).ToDictionary(i => $"{i}", TensorOf);
        BundleWriter.Write(folder, ConfigRecords.Write(ModelType, schema.Columns.Count, bundled), tables, card,
            partial => schema.Write(Path.Combine(partial, TableSchema.FileName)));

        Tensor TensorOf(int variable)
        {
            // [states of each parent …, own states]
            long[] shape = [.. network.Graph.Parents(variable).Append(variable).Select(v => (long)network.StatesOf(v))];
            return tensor(network.Table(variable).ToArray(), ScalarType.Float64).reshape(shape);
        }
    }

    private static double[] Table(SafetensorsFile weights, int variable)
    {
        SafetensorsEntry entry = weights.Entry($"{variable}");
        if (entry.Type != SafetensorsType.F64)
            throw new AtelierException($"the tensor {variable} does not hold 64-bit numbers");
        var table = new double[entry.ByteCount / sizeof(double)];
        weights.CopyTo(entry.Name, 0, MemoryMarshal.AsBytes(table.AsSpan()));
        return table;
    }

    /// <summary>The contents of a network's config.json.</summary>
    private sealed record BundledNetwork
    {
        /// <summary>
        /// The indices of each column's parents, in the order of the first dimensions of its tensor.
        /// </summary>
        public IReadOnlyList<IReadOnlyList<int>> Parents { get; init; } = [];

        /// <summary>The configuration that the network was learned with.</summary>
        public BayesianNetworkConfig Learning { get; init; } = new();
    }
}
