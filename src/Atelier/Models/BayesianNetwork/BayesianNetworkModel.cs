using System.Globalization;
using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data.Tables;
using Atelier.Models.BayesianNetwork.Inference;
using Atelier.Tasks.Tables;

namespace Atelier.Models.BayesianNetwork;

/// <summary>
/// A Bayesian network as a model of table rows. It scores rows, samples rows given evidence, answers probability
/// queries and explains itself. Safe for concurrent use.
/// </summary>
public sealed class BayesianNetworkModel : ITrainedModel, IRowModel, IGenerator, IExplainable,
    IProbabilisticQuery
{
    private readonly BayesianNetworkConfig _config;
    private readonly Lazy<NetworkInference> _inference;

    /// <summary>Creates a model of a network.</summary>
    /// <param name="schema">The columns, one for each variable.</param>
    /// <param name="network">The network.</param>
    /// <param name="config">The configuration that the network was learned with.</param>
    public BayesianNetworkModel(TableSchema schema, DiscreteNetwork network, BayesianNetworkConfig config)
    {
        (Schema, Network, _config) = (schema, network, config);
        _inference = new Lazy<NetworkInference>(() => new NetworkInference(network));
    }

    /// <inheritdoc/>
    public TableSchema Schema { get; }

    /// <summary>The network.</summary>
    public DiscreteNetwork Network { get; }

    /// <inheritdoc/>
    public long FreeParameters => Network.ParameterCount;

    /// <inheritdoc/>
    public double[] LogLikelihoods(TableRows rows, CancellationToken cancellation = default) =>
        NetworkLearning.LogProbabilities(Network, NetworkRows.Of(rows, Network.Variables), cancellation);

    /// <inheritdoc/>
    public async IAsyncEnumerable<Sample> GenerateAsync(GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(evidence: true);
        SortedDictionary<int, int> evidence = States(request.Evidence);
        (byte[][] columns, double? effective) = await Task.Run(() =>
            _inference.Value.Sample(evidence, request.Count, request.Seed, cancellation), cancellation)
            .ConfigureAwait(false);
        var states = new byte[columns.Length];
        for (int row = 0; row < request.Count; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < columns.Length; i++)
                states[i] = columns[i][row];
            yield return new RowSample(Schema.Names,
                [.. states.Select((state, i) => new CellValue(Schema.Columns[i].Levels[state]))])
            {
                LogProbability = Network.LogProbability(states),
                EffectiveRows = effective,
            };
        }
    }

    /// <inheritdoc/>
    public Explanation Answer(Question question, CancellationToken cancellation = default) =>
        new NetworkAnswers(this, question, cancellation).Answer();

    /// <inheritdoc/>
    public Explanation Explain(CancellationToken cancellation = default) =>
        NetworkExplanation.Of(_inference.Value, _config, cancellation);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Arrays only.
    }

    /// <summary>Converts column names and values to variable indices and state indices.</summary>
    /// <exception cref="AtelierException">A name is unknown; the message suggests the nearest.</exception>
    internal SortedDictionary<int, int> States(IReadOnlyDictionary<string, string> values)
    {
        var states = new SortedDictionary<int, int>();
        foreach ((string name, string value) in values)
        {
            int variable = Schema.IndexOf(name);
            states[variable] = Schema.Columns[variable].Code(value);
        }
        return states;
    }

    /// <summary>
    /// Returns the inference for the network after interventions. Without any, and with default options, it is a cached
    /// instance.
    /// </summary>
    internal NetworkInference After(IReadOnlyDictionary<int, int> settings, InferenceOptions options) =>
        settings.Count == 0 && options == new InferenceOptions() ? _inference.Value
            : new NetworkInference(Network.Do(settings), options);
}
