namespace Atelier.Networks;

/// <summary>
/// The ranges of distances between two positions whose biases are added to the scores of attention (Raffel et al. 2020,
/// section 2.1). Half of the ranges hold a single distance, and the others grow logarithmically.
/// </summary>
/// <param name="Buckets">Number of ranges, a multiple of 4.</param>
/// <param name="Distance">The distance from which on all are in the last range; more than half of the ranges.</param>
public sealed record RelativePositions(int Buckets, int Distance)
{
    /// <summary>Returns the range of a distance.</summary>
    /// <param name="distance">The position of the key minus that of the query.</param>
    /// <param name="bidirectional">Whether half of the ranges are for later keys; otherwise these share a range with
    /// the query's own position, which causal attention does not look beyond.</param>
    public int BucketOf(int distance, bool bidirectional)
    {
        int first = 0, count = Buckets;
        if (bidirectional)
        {
            count /= 2;
            first = distance > 0 ? count : 0;
        }
        int away = bidirectional ? Math.Abs(distance) : Math.Max(0, -distance), exact = count / 2;
        if (away < exact)
            return first + away;
        // in single precision, as published models were trained
        float share = MathF.Log(away / (float)exact) / (float)Math.Log((double)Distance / exact);
        return first + Math.Min(count - 1, exact + (int)(share * (count - exact)));
    }
}

/// <summary>The biases of a stack by head and distance, as far as they have been needed.</summary>
/// <param name="positions">The ranges of distances.</param>
/// <param name="weights">The bias of each range and head, [buckets, heads].</param>
/// <param name="bidirectional">Whether queries attend to later keys.</param>
internal sealed unsafe class RelativeBias(RelativePositions positions, Kernels.WeightMatrix weights, bool bidirectional)
    : IDisposable
{
    private readonly PassScratch _memory = new(); // also keeps the smaller tables, which a pass may be reading
    private volatile Table _table = new(null, 0);

    /// <summary>Computes the biases for sequences of a length. Passes may run meanwhile.</summary>
    public void MakeRoom(int length)
    {
        lock (_memory)
        {
            if (length <= _table.Length)
                return;
            length = Math.Max(length, 2 * _table.Length);
            int width = 2 * length - 1;
            float* all = _memory.Floats((long)weights.Columns * width);
            float[] biases = new float[weights.Columns];
            for (int i = 0; i < width; i++)
            {
                weights.ReadRow(positions.BucketOf(i + 1 - length, bidirectional), biases);
                for (int head = 0; head < biases.Length; head++)
                    all[(long)head * width + i] = biases[head];
            }
            _table = new Table(all, length);
        }
    }

    /// <summary>
    /// Returns the bias of the first key for a query; those of the following keys come after it, and that of the next
    /// query's first key before it.
    /// </summary>
    public float* At(int head, int query)
    {
        Table table = _table;
        return table.Biases + (long)head * (2 * table.Length - 1) + table.Length - 1 - query;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    /// <summary>The biases, [heads, 2 · length − 1], of distances from 1 − length to length − 1.</summary>
    private sealed class Table(float* biases, int length)
    {
        public float* Biases { get; } = biases;

        public int Length { get; } = length;
    }
}
