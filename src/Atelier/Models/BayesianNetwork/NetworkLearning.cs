using System.Globalization;
using Atelier.Models.BayesianNetwork.Inference;
using Atelier.Models.BayesianNetwork.Structure;

namespace Atelier.Models.BayesianNetwork;

/// <summary>The result of learning a network.</summary>
/// <param name="Network">The network.</param>
/// <param name="LogLikelihood">The log-likelihood of the observed values of all rows, in nats.</param>
/// <param name="Trace">The log-likelihood before each iteration of expectation maximisation, in nats; empty if no value
/// was missing.</param>
/// <param name="Notes">Notes on the learning for the user, one sentence each.</param>
public sealed record LearnedNetwork(DiscreteNetwork Network, double LogLikelihood, IReadOnlyList<double> Trace,
    IReadOnlyList<string> Notes);

/// <summary>Learns the structure and the tables of a network from rows, which may have missing values.</summary>
public static class NetworkLearning
{
    /// <summary>Learns a network.</summary>
    /// <param name="data">The rows.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="seed">The seed of restarts, of the initial tables of expectation maximisation, and of imputed
    /// values.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There are no rows, a column has fewer than two values, or the configuration
    /// does not fit the data.</exception>
    public static LearnedNetwork Learn(DiscreteData data, BayesianNetworkConfig config, long seed,
        Action<string>? progress = null, CancellationToken cancellation = default)
    {
        Check(data);
        var notes = new List<string>();
        void Report(string note)
        {
            notes.Add(note);
            progress?.Invoke(note);
        }
        if (data.MissingCount == 0)
        {
            DirectedGraph graph = StructureLearning.Learn(data, config, seed, Report, cancellation);
            cancellation.ThrowIfCancellationRequested();
            DiscreteNetwork network = ParameterLearning.Count(data, graph, config.EquivalentSampleSize);
            return new LearnedNetwork(network, LogLikelihood(network, data, cancellation), [], notes);
        }
        Report(string.Create(CultureInfo.InvariantCulture,
            $"missing: {Quantity.Of(data.MissingCount, "value")}, which expectation maximisation fills in with "
                + $"expected counts"));
        return LearnWithMissing(data, config, seed, Report, progress, notes, cancellation);
    }

    /// <summary>The log-likelihood of the observed values of all rows, in nats; −∞ if a row is impossible.</summary>
    /// <exception cref="AtelierException">Values are missing, and the network is too large for exact
    /// inference.</exception>
    public static double LogLikelihood(DiscreteNetwork network, DiscreteData data,
        CancellationToken cancellation = default) =>
        LogProbabilities(network, data, cancellation).Sum();

    /// <summary>
    /// The log-likelihood of the observed values of each row, in nats; −∞ for rows that are impossible.
    /// </summary>
    /// <inheritdoc cref="LogLikelihood"/>
    public static double[] LogProbabilities(DiscreteNetwork network, DiscreteData data,
        CancellationToken cancellation = default)
    {
        var logs = new double[data.RowCount];
        JunctionTree? tree = data.MissingCount == 0 ? null : JunctionTree.Compile(network);
        const int Block = 1024;
        var options = new ParallelOptions { CancellationToken = cancellation };
        Parallel.For(0, (data.RowCount + Block - 1) / Block, options, block =>
        {
            Calibration? calibration = tree is null ? null : new Calibration(tree);
            var states = new byte[network.Variables.Count];
            for (int row = block * Block; row < Math.Min((block + 1) * Block, logs.Length); row++)
            {
                data.Read(row, states);
                if (!states.Contains(DiscreteData.Missing))
                    logs[row] = network.LogProbability(states);
                else
                    logs[row] = calibration!.TrySet(ExpectationMaximization.EvidenceOf(states))
                        ? calibration.LogEvidence : double.NegativeInfinity;
            }
        });
        return logs;
    }

    /// <summary>
    /// The Bayesian information criterion, ln P − k/2 · ln N (Schwarz 1978), in nats. Higher is better.
    /// </summary>
    public static double Bic(DiscreteNetwork network, double logLikelihood, int rows) =>
        logLikelihood - (network.ParameterCount / 2.0 * Math.Log(rows));

    private static void Check(DiscreteData data)
    {
        if (data.RowCount == 0)
            throw new AtelierException("there are no rows to train on", "data.source", "provide a table with rows");
        for (int i = 0; i < data.Variables.Count; i++)
        {
            Variable variable = data.Variables[i];
            if (variable.States.Count == 1)
            {
                throw new AtelierException(
                    $"the column {variable.Name} has one value only, '{variable.States[0]}': there is nothing "
                    + $"to learn from it", variable.Name, "leave it out: name the others in data.table.columns");
            }
            if (Array.TrueForAll(data.Columns[i], value => value == DiscreteData.Missing))
                throw new AtelierException($"the column {variable.Name} has no values", variable.Name,
                    "leave it out: name the others in data.table.columns");
        }
    }

    // Structural EM (Friedman 1998) with single imputation: each round learns the tables by EM, samples the missing
    // values, and learns the structure again.
    private static LearnedNetwork LearnWithMissing(DiscreteData data, BayesianNetworkConfig config, long seed,
        Action<string> report, Action<string>? progress, List<string> notes, CancellationToken cancellation)
    {
        int rounds = config.Structure == StructureName.Given ? 0 : config.StructureRounds;
        DirectedGraph graph = StructureLearning.Learn(FillByColumn(data, seed), config, seed, report, cancellation);
        (DiscreteNetwork network, double logLikelihood, List<double> trace) =
            Fit(data, graph, config, seed, progress, cancellation);
        for (int round = 1; round <= rounds; round++)
        {
            report($"round {round}: missing values are filled in, and the structure is learned again");
            DirectedGraph next = StructureLearning.Learn(FillIn(network, data, seed + round, cancellation), config,
                seed, report, cancellation);
            if (StructureDistance.Between(graph, next).Hamming == 0)
                break;
            (DiscreteNetwork other, double likelihood, List<double> otherTrace) =
                Fit(data, next, config, seed, progress, cancellation);
            if (Bic(other, likelihood, data.RowCount) <= Bic(network, logLikelihood, data.RowCount))
                break;
            (graph, network, logLikelihood, trace) = (next, other, likelihood, otherTrace);
        }
        report(string.Create(CultureInfo.InvariantCulture,
            $"expectation maximisation: {Quantity.Of(trace.Count, "iteration")}, "
            + $"{(trace.Count < config.EmIterations ? "converged" : "not yet converged")}"));
        return new LearnedNetwork(network, logLikelihood, trace, notes);
    }

    private static (DiscreteNetwork Network, double LogLikelihood, List<double> Trace) Fit(DiscreteData data,
        DirectedGraph graph, BayesianNetworkConfig config, long seed, Action<string>? progress,
        CancellationToken cancellation)
    {
        var steady = new SteadyProgress(progress);
        var em = new ExpectationMaximization(data, graph, config.EquivalentSampleSize);
        DiscreteNetwork network = em.Start(seed);
        var trace = new List<double>();
        double before = double.NegativeInfinity;
        while (trace.Count < config.EmIterations)
        {
            (DiscreteNetwork next, double logLikelihood) = em.Improve(network, cancellation);
            double objective = logLikelihood + em.LogPrior(network);
            trace.Add(logLikelihood);
            steady.Report(() => string.Create(CultureInfo.InvariantCulture,
                $"iteration {trace.Count}: log-likelihood {logLikelihood:0.000}"));
            bool converged = objective - before < config.EmTolerance * Math.Abs(objective);
            (network, before) = (next, objective);
            if (converged)
                break;
        }
        return (network, LogLikelihood(network, data, cancellation), trace);
    }

    // Before there is a network, each missing value is sampled from the observed values of its column.
    private static DiscreteData FillByColumn(DiscreteData data, long seed)
    {
        var random = new SplitMix64((ulong)seed);
        return new(data.Variables, [.. data.Columns.Select(column =>
        {
            byte[] known = [.. column.Where(v => v != DiscreteData.Missing)];
            return Array.ConvertAll(column, v => v == DiscreteData.Missing ? known[random.Next(known.Length)] : v);
        })]);
    }

    // Samples each missing value given the row's observed values and those sampled before it, which together is a
    // sample of their joint posterior.
    private static DiscreteData FillIn(DiscreteNetwork network, DiscreteData data, long seed,
        CancellationToken cancellation)
    {
        var calibration = new Calibration(JunctionTree.Compile(network));
        byte[][] columns = [.. data.Columns.Select(c => (byte[])c.Clone())];
        var states = new byte[columns.Length];
        for (int row = 0; row < data.RowCount; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            data.Read(row, states);
            if (!states.Contains(DiscreteData.Missing))
                continue;
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)row));
            SortedDictionary<int, int> evidence = ExpectationMaximization.EvidenceOf(states);
            for (int i = 0; i < states.Length; i++)
            {
                if (states[i] != DiscreteData.Missing)
                    continue;
                calibration.Set(evidence);
                var marginal = new double[network.StatesOf(i)];
                calibration.Marginal(i, marginal);
                double u = random.NextDouble();
                int state = 0;
                while (state < marginal.Length - 1 && (u -= marginal[state]) >= 0)
                    state++;
                columns[i][row] = (byte)(evidence[i] = state);
            }
        }
        return new(data.Variables, columns);
    }
}
