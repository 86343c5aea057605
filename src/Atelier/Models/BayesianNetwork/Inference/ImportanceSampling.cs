using System.Globalization;

namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Approximate inference by importance sampling, for queries that are too large to answer exactly. Ancestors of the
/// evidence are sampled from mini-buckets, which take the evidence into account; each row is weighted by its
/// probability under the network divided by that of the proposal. Variables without observed descendants are sampled
/// from the network's own tables. Without evidence all rows have the same weight.
/// </summary>
internal sealed class ImportanceSampling
{
    private const int BlockRows = 1024;
    private const int FirstBlocks = 16;
    private const double LeastEffectiveRows = 1000; // fewer make the estimate and its interval unreliable
    private const double MostProposalCells = 1 << 20; // cells of one mini-bucket

    private readonly DiscreteNetwork _network;
    private readonly IReadOnlyDictionary<int, int> _evidence;
    private readonly InferenceOptions _options;
    private readonly BucketWalk _above; // samples the ancestors of the evidence
    private readonly int[] _below; // the other variables, in topological order
    private readonly CancellationToken _cancellation;

    /// <summary>Prepares the proposal distribution.</summary>
    /// <param name="network">The network.</param>
    /// <param name="targets">The variables to sample.</param>
    /// <param name="evidence">The evidence.</param>
    /// <param name="options">The limits of inference.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The evidence has probability zero.</exception>
    public ImportanceSampling(DiscreteNetwork network, IReadOnlyCollection<int> targets,
        IReadOnlyDictionary<int, int> evidence, InferenceOptions options, CancellationToken cancellation)
    {
        (_network, _evidence, _options, _cancellation) = (network, evidence, options, cancellation);
        bool[] wanted = network.Graph.AncestorsOf(targets), seen = network.Graph.AncestorsOf(evidence.Keys);
        _below = [.. network.Graph.Order.Where(v => wanted[v] && !seen[v])];
        int[] above = [.. network.Graph.Order.Where(v => wanted[v] && seen[v] && !evidence.ContainsKey(v))];
        Relevance relevance = Relevance.Of(network, above, evidence);
        relevance.CheckOthers(network, evidence, cancellation);
        EliminationOrder order = EliminationOrder.Find(network.Variables.Count,
            [.. relevance.Factors.Select(f => f.Scope)], network.StatesOf, keep: [], cancellation);
        double cells = options.Allows(order) ? double.PositiveInfinity
            : Math.Min(options.ProposalCells / order.Variables.Count, MostProposalCells);
        var buckets = Buckets.Collect(network, relevance.Factors, order, new BucketOptions { MostCells = cells },
            cancellation);
        if (buckets.IsImpossible)
            throw Evidence.Impossible(network, evidence);
        IsExact = buckets.IsExact;
        _above = new BucketWalk(network, buckets);
    }

    /// <summary>Whether all rows have the same weight, so that they are samples of the posterior itself.</summary>
    public bool IsExact { get; }

    private delegate void RowAction(int row, double logWeight, ReadOnlySpan<byte> states);

    /// <summary>
    /// Estimates distributions, each of one variable or of several jointly. It samples until the confidence intervals
    /// are narrow enough.
    /// </summary>
    /// <exception cref="AtelierException">The required precision is not reached within the largest number of
    /// rows.</exception>
    public Posterior[] Estimate(IReadOnlyList<int[]> targets)
    {
        int[] cells = [.. targets.Select(t => (int)Factor.CellsOf(t, _network.StatesOf))];
        var all = new WeightedCounts(cells);
        foreach ((int first, int count) in Rounds())
        {
            var parts = new WeightedCounts[count];
            InBlocks(count, block =>
            {
                var counts = parts[block] = new WeightedCounts(cells);
                var places = new int[targets.Count];
                ForEachRow(first + block, _options.Seed, (_, logWeight, states) =>
                {
                    for (int i = 0; i < places.Length; i++)
                    {
                        places[i] = 0;
                        foreach (int target in targets[i])
                            places[i] = (places[i] * _network.StatesOf(target)) + states[target];
                    }
                    counts.Add(logWeight, places);
                });
            });
            foreach (WeightedCounts part in parts) // in order, so that the sums do not depend on the number of cores
                all.Add(part);
            if (all.EffectiveRows < LeastEffectiveRows)
                continue;
            Posterior[] answers = all.Estimate();
            if (answers.Max(a => a.Sampling!.Precision) <= _options.Precision)
                return answers;
        }
        throw NotPrecise(all);
    }

    /// <summary>Samples rows.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="seed">The seed.</param>
    /// <returns>
    /// The states, [variable][row], and the effective number of weighted rows that they were resampled from; null if
    /// they are exact samples.
    /// </returns>
    /// <exception cref="AtelierException">There are fewer effective rows than requested.</exception>
    public (byte[][] Columns, double? EffectiveRows) Sample(int rows, long seed)
    {
        byte[][] columns = [.. Enumerable.Range(0, _network.Variables.Count).Select(_ => new byte[rows])];
        (int[] chosen, double? effective) = IsExact ? ([.. Enumerable.Range(0, rows)], null) : Choose(rows, seed);
        // Weighted rows are not stored: the blocks that hold chosen ones are sampled again with the same seed.
        ILookup<int, int> byBlock = Enumerable.Range(0, rows).ToLookup(place => chosen[place] / BlockRows);
        int[] blocks = [.. byBlock.Select(g => g.Key)];
        InBlocks(blocks.Length, i =>
        {
            ILookup<int, int> places = byBlock[blocks[i]].ToLookup(place => chosen[place] % BlockRows);
            ForEachRow(blocks[i], seed, (row, _, states) =>
            {
                foreach (int place in places[row])
                {
                    for (int variable = 0; variable < columns.Length; variable++)
                        columns[variable][place] = states[variable];
                }
            });
        });
        return (columns, effective);
    }

    // Each round doubles the number of rows.
    private IEnumerable<(int First, int Count)> Rounds()
    {
        int most = (_options.MostRows + BlockRows - 1) / BlockRows;
        for (int done = 0; done < most;)
        {
            int count = Math.Min(Math.Max(FirstBlocks, done), most - done);
            yield return (done, count);
            done += count;
        }
    }

    private void InBlocks(int count, Action<int> work) =>
        Parallel.For(0, count, new ParallelOptions { CancellationToken = _cancellation }, work);

    private void ForEachRow(int block, long seed, RowAction action)
    {
        var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)block));
        var states = new byte[_network.Variables.Count];
        foreach ((int variable, int state) in _evidence)
            states[variable] = (byte)state;
        for (int row = 0; row < BlockRows; row++)
        {
            _cancellation.ThrowIfCancellationRequested();
            double logWeight = _above.Sample(states, ref random);
            if (logWeight > double.NegativeInfinity)
                SampleBelow(states, ref random);
            action(row, logWeight, states);
        }
    }

    private void SampleBelow(byte[] states, ref SplitMix64 random)
    {
        foreach (int variable in _below)
        {
            ReadOnlySpan<double> numbers = _network.Distribution(variable, states);
            double u = random.NextDouble();
            int state = 0, last = numbers.LastIndexOfAnyExcept(0);
            while (state < last && (u -= numbers[state]) >= 0)
                state++;
            states[variable] = (byte)state;
        }
    }

    // Sampling-importance-resampling: chooses rows in proportion to their weights (Rubin 1987).
    private (int[] Chosen, double? EffectiveRows) Choose(int rows, long seed)
    {
        var logWeights = new List<double>();
        var counts = new WeightedCounts([]);
        foreach ((int first, int count) in Rounds())
        {
            var parts = new double[count][];
            InBlocks(count, block =>
            {
                double[] part = parts[block] = new double[BlockRows];
                ForEachRow(first + block, seed, (row, logWeight, _) => part[row] = logWeight);
            });
            foreach (double logWeight in parts.SelectMany(p => p))
            {
                logWeights.Add(logWeight);
                counts.Add(logWeight, []);
            }
            if (counts.EffectiveRows >= Math.Max(rows, LeastEffectiveRows))
                break;
        }
        if (counts.EffectiveRows < Math.Max(rows, LeastEffectiveRows))
        {
            throw new AtelierException(FormattableString.Invariant(
                $"{rows} rows given {Evidence.Show(_network, _evidence)} cannot be sampled: {Describe(counts)}"),
                Mention.Field("evidence"),
                counts.EffectiveRows >= LeastEffectiveRows
                    ? $"ask for {Math.Floor(counts.EffectiveRows):0} or fewer, or give less evidence"
                    : "give less evidence");
        }
        double greatest = logWeights.Max(), sum = 0;
        double[] sums = [.. logWeights.Select(l => sum += Math.Exp(l - greatest))];
        var random = new SplitMix64(SplitMix64.At((ulong)seed, ulong.MaxValue));
        var chosen = new int[rows];
        foreach (ref int at in chosen.AsSpan())
        {
            at = Array.BinarySearch(sums, random.NextDouble() * sum);
            at = Math.Min(at < 0 ? ~at : at + 1, sums.Length - 1);
        }
        return (chosen, counts.EffectiveRows);
    }

    private static string Describe(WeightedCounts counts) =>
        string.Create(CultureInfo.InvariantCulture,
            $"{counts.Rows} weighted rows have an effective sample size of {counts.EffectiveRows:0}");

    private AtelierException NotPrecise(WeightedCounts counts)
    {
        string size = Describe(counts);
        if (counts.EffectiveRows < LeastEffectiveRows)
            return new($"the network is too large for an exact answer, and {size}: too few for an estimate",
                Mention.Field("evidence"), "give less evidence");
        double reached = counts.Estimate().Max(a => a.Sampling!.Precision);
        return new(
            FormattableString.Invariant($"the answer is known within ±{reached:G2}, not ±{_options.Precision}: {size}"),
            Mention.Field("precision"),
            FormattableString.Invariant(
                $"{Mention.Field("precision")} {Math.Ceiling(reached * 1000) / 1000} accepts it as it is"));
    }
}
