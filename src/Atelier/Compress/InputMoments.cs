using Atelier.Data.Text;
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
    private const int MostWindows = 128; // as Frantar et al. 2023, section 4
    private const int MostTokens = 2048; // of a window
    private readonly Dictionary<string, double[]> _sums = new(StringComparer.Ordinal);
    private (float[] Vectors, double[] Sums) _last = ([], []);
    private long _bytes;
    private bool _isTooLarge;

    /// <summary>Measures the moments of a network on evenly spaced windows of a text.</summary>
    /// <param name="network">The network.</param>
    /// <param name="text">The text.</param>
    /// <param name="contextLength">The most tokens that the network reads at once.</param>
    /// <param name="cancellation">Cancels before the next window.</param>
    /// <param name="mostBytes">The most memory for the moments; null takes half of all.</param>
    /// <exception cref="AtelierException">The moments need more.</exception>
    public static InputMoments Measure(ICalibratable network, TokenFile text, int contextLength,
        CancellationToken cancellation, long? mostBytes = null)
    {
        var moments = new InputMoments(mostBytes ?? (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2));
        int length = (int)Math.Min(Math.Min(contextLength, MostTokens), text.Count);
        long windows = Math.Min(MostWindows, text.Count / length);
        int[] tokens = new int[length];
        for (long window = 0; window < windows; window++)
        {
            cancellation.ThrowIfCancellationRequested();
            text.Read((text.Count - length) * window / Math.Max(1, windows - 1), tokens);
            network.Calibrate(tokens, moments);
            if (moments._isTooLarge)
                throw new AtelierException("the inputs of so many layers of this width do not fit into memory",
                    Mention.Field("calibrate"), $"set it to {CompressionOptions.NoCalibration}");
        }
        return moments;
    }

    /// <summary>Returns the sums of x xᵀ over the inputs x of a layer, [columns, columns]; null if there were
    /// none.</summary>
    public double[]? Find(string weight) => _sums.GetValueOrDefault(weight);

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
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        _last = (vectors.ToArray(), sums);
        Tensor x = tensor(_last.Vectors, [vectors.Length / columns, columns]);
        float[] products = x.t().matmul(x).contiguous().data<float>().ToArray();
        for (int i = 0; i < sums.Length; i++)
            sums[i] += products[i];
    }
}
