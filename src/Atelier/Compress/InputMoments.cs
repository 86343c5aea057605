using System.Runtime.InteropServices;
using Atelier.Networks;
using static TorchSharp.torch;

namespace Atelier.Compress;

/// <summary>
/// The second moments of the inputs of each linear layer, measured on text: how much an error of a weight changes what
/// the layer computes.
/// </summary>
/// <param name="mostBytes">The most memory for the moments.</param>
internal sealed class InputMoments(long mostBytes) : ILinearInputs
{
    private const long MostWaiting = 1 << 24; // elements of vectors whose products are computed at once
    private readonly Dictionary<string, double[]> _sums = new(StringComparer.Ordinal);
    private readonly List<(float[] Vectors, double[] Sums)> _waiting = [];
    private (float[] Vectors, double[] Sums) _last = ([], []);
    private long _waitingElements;
    private long _bytes;
    private bool _isTooLarge;

    /// <summary>Measures the moments of a network on windows of a text.</summary>
    /// <param name="network">The network.</param>
    /// <param name="windows">The windows, as the network reads them.</param>
    /// <param name="cancellation">Cancels before the next window.</param>
    /// <param name="mostBytes">The most memory for the moments; null takes half of all.</param>
    /// <exception cref="AtelierException">The moments need more.</exception>
    public static InputMoments Measure(ICalibratable network, IEnumerable<ReadOnlyMemory<int>> windows,
        CancellationToken cancellation, long? mostBytes = null)
    {
        var moments = new InputMoments(mostBytes ?? (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2));
        foreach (ReadOnlyMemory<int> window in windows)
        {
            cancellation.ThrowIfCancellationRequested();
            network.Calibrate(window, moments);
            if (moments._isTooLarge)
                throw new AtelierException("the inputs of so many layers of this width do not fit into memory",
                    Mention.Field("calibrate"), $"set it to {CompressionOptions.NoCalibration}");
            if (moments._waitingElements > MostWaiting)
                moments.Sum();
        }
        moments.Sum();
        return moments;
    }

    /// <summary>Returns the sums of x xᵀ over the inputs x of a layer, [columns, columns]; null if there were
    /// none.</summary>
    public double[]? Find(string weight)
    {
        Sum();
        return _sums.GetValueOrDefault(weight);
    }

    /// <inheritdoc/>
    /// <remarks>Queries, keys and values multiply the same vectors, so their moments are one.</remarks>
    public void Add(string weight, ReadOnlySpan<float> vectors, int columns)
    {
        _sums.TryGetValue(weight, out double[]? sums);
        if (vectors.SequenceEqual(_last.Vectors) && (sums is null || sums == _last.Sums))
        {
            _sums[weight] = _last.Sums;
            return;
        }
        if (sums is null)
        {
            // an exception here, on a worker of the network, would leave the others waiting
            _bytes += sizeof(double) * (long)columns * columns;
            if (_isTooLarge |= _bytes > mostBytes)
                return;
            _sums.Add(weight, sums = new double[columns * columns]);
        }
        _last = (vectors.ToArray(), sums);
        _waiting.Add(_last); // the other workers of the network wait busily for this one, so it computes nothing here
        _waitingElements += vectors.Length;
    }

    private void Sum()
    {
        using var gradients = no_grad();
        foreach (IGrouping<double[], float[]> inputs in _waiting.GroupBy(each => each.Sums, each => each.Vectors))
        {
            using var scope = NewDisposeScope();
            double[] sums = inputs.Key;
            int columns = (int)Math.Round(Math.Sqrt(sums.Length));
            Tensor x = cat([.. inputs.Select(vectors => tensor(vectors, [vectors.Length / columns, columns]))]);
            ReadOnlySpan<float> products = MemoryMarshal.Cast<byte, float>(x.t().matmul(x).contiguous().bytes);
            for (int i = 0; i < products.Length; i++)
                sums[i] += products[i];
        }
        _waiting.Clear();
        _waitingElements = 0;
    }
}
