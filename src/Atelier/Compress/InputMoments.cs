using Atelier.Data.Text;
using Atelier.Networks;
using static TorchSharp.torch;

namespace Atelier.Compress;

/// <summary>
/// The second moments of the inputs of each linear layer, measured on text: how much an error of a weight changes what
/// the layer computes.
/// </summary>
internal sealed class InputMoments : ILinearInputs
{
    private const int MostWindows = 128; // as Frantar et al. 2023, section 4
    private const int MostTokens = 2048; // of a window
    private readonly Dictionary<string, double[]> _sums = new(StringComparer.Ordinal);

    /// <summary>Measures the moments of a network on evenly spaced windows of a text.</summary>
    /// <param name="network">The network.</param>
    /// <param name="text">The text.</param>
    /// <param name="contextLength">The most tokens that the network reads at once.</param>
    /// <param name="cancellation">Cancels before the next window.</param>
    public static InputMoments Measure(ICalibratable network, TokenFile text, int contextLength,
        CancellationToken cancellation)
    {
        var moments = new InputMoments();
        int length = (int)Math.Min(Math.Min(contextLength, MostTokens), text.Count);
        long windows = Math.Min(MostWindows, text.Count / length);
        int[] tokens = new int[length];
        for (long window = 0; window < windows; window++)
        {
            cancellation.ThrowIfCancellationRequested();
            text.Read((text.Count - length) * window / Math.Max(1, windows - 1), tokens);
            network.Calibrate(tokens, moments);
        }
        return moments;
    }

    /// <summary>Returns the sums of x xᵀ over the inputs x of a layer, [columns, columns]; null if there were
    /// none.</summary>
    public double[]? Find(string weight) => _sums.GetValueOrDefault(weight);

    /// <inheritdoc/>
    public void Add(string weight, ReadOnlySpan<float> vectors, int columns)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Tensor x = tensor(vectors.ToArray(), [vectors.Length / columns, columns]);
        float[] products = x.t().matmul(x).contiguous().data<float>().ToArray();
        if (!_sums.TryGetValue(weight, out double[]? sums))
            _sums.Add(weight, sums = new double[columns * columns]);
        for (int i = 0; i < sums.Length; i++)
            sums[i] += products[i];
    }
}
