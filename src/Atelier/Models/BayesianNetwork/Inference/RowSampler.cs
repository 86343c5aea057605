namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Samples complete rows by ancestral sampling: each variable after those it depends on (Henrion 1988). Rows are
/// sampled in blocks, each with its own random stream, so that the same seed gives the same rows on any number of
/// cores. Immutable, so that threads may share it.
/// </summary>
public sealed class RowSampler
{
    private const int BlockRows = 4096;

    private readonly int _count;
    private readonly Step[] _steps;

    private RowSampler(int count, IEnumerable<(int Variable, int[] Context, double[] Table)> conditionals,
        Func<int, int> statesOf)
    {
        _count = count;
        _steps = [.. conditionals.Select(c => Step.Of(c.Variable, c.Context, c.Table, statesOf))];
    }

    /// <summary>Creates a sampler of a network without evidence.</summary>
    public RowSampler(DiscreteNetwork network)
        : this(network.Variables.Count,
            network.Graph.Order.Select(i => (i, network.Graph.Parents(i).ToArray(), network.Table(i).ToArray())),
            network.StatesOf)
    {
    }

    /// <summary>Creates a sampler of a network's exact posterior given evidence.</summary>
    /// <exception cref="AtelierException">The evidence has probability zero, or the network is too large for exact
    /// inference.</exception>
    public static RowSampler Given(JunctionTree tree, IReadOnlyDictionary<int, int> evidence)
    {
        var calibration = new Calibration(tree);
        calibration.Set(evidence);
        return new(tree.Network.Variables.Count, calibration.Conditionals(), tree.Network.StatesOf);
    }

    /// <summary>Samples rows.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The states, [variable][row].</returns>
    public byte[][] Sample(int rows, long seed, CancellationToken cancellation = default)
    {
        byte[][] columns = [.. Enumerable.Range(0, _count).Select(_ => new byte[rows])];
        var options = new ParallelOptions { CancellationToken = cancellation };
        Parallel.For(0, (rows + BlockRows - 1) / BlockRows, options, block =>
        {
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)block));
            int start = block * BlockRows, length = Math.Min(BlockRows, rows - start);
            Span<int> places = stackalloc int[BlockRows];
            foreach (Step step in _steps)
                step.Sample(columns, start, places[..length], ref random);
        });
        return columns;
    }

    /// <summary>The sampling of one variable.</summary>
    /// <param name="Variable">The variable.</param>
    /// <param name="Context">The variables that it depends on, which are sampled before it.</param>
    /// <param name="Strides">The stride of each context variable in <paramref name="Cumulative"/>.</param>
    /// <param name="States">The number of states of the variable.</param>
    /// <param name="Cumulative">The cumulative probabilities of each row of the variable's table, without the last,
    /// which is always 1.</param>
    private sealed record Step(int Variable, int[] Context, int[] Strides, int States, double[] Cumulative)
    {
        public static Step Of(int variable, int[] context, double[] table, Func<int, int> statesOf)
        {
            int states = statesOf(variable), bounds = states - 1;
            var strides = new int[context.Length];
            for (int d = context.Length - 1, stride = bounds; d >= 0; stride *= statesOf(context[d--]))
                strides[d] = stride;
            var cumulative = new double[table.Length / states * bounds];
            for (int row = 0; row < table.Length / states; row++)
            {
                ReadOnlySpan<double> numbers = table.AsSpan(row * states, states);
                int last = numbers.LastIndexOfAnyExcept(0);
                double sum = 0;
                for (int state = 0; state < bounds; state++)
                {
                    // A sum that rounds below 1 must not select an impossible state.
                    sum = state >= last ? 1 : sum + numbers[state];
                    cumulative[(row * bounds) + state] = sum;
                }
            }
            return new Step(variable, context, strides, states, cumulative);
        }

        public void Sample(byte[][] columns, int start, Span<int> places, ref SplitMix64 random)
        {
            places.Clear();
            for (int d = 0; d < Context.Length; d++)
            {
                ReadOnlySpan<byte> above = columns[Context[d]].AsSpan(start, places.Length);
                int stride = Strides[d];
                for (int row = 0; row < places.Length; row++)
                    places[row] += above[row] * stride;
            }
            Span<byte> own = columns[Variable].AsSpan(start, places.Length);
            int bounds = States - 1;
            for (int row = 0; row < places.Length; row++)
            {
                double u = random.NextDouble();
                ReadOnlySpan<double> sums = Cumulative.AsSpan(places[row], bounds);
                int state = 0;
                foreach (double sum in sums)
                    state += u >= sum ? 1 : 0;
                own[row] = (byte)state;
            }
        }
    }
}
