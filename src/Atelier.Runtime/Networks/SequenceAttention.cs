using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Attention of every token to all tokens of its sequence, in a pass over several sequences. Each worker computes whole
/// heads of single sequences.
/// </summary>
internal sealed unsafe class SequenceAttention : IStackAttention
{
    private readonly StackShape _shape;
    private readonly RelativeBias? _bias;
    private readonly PanelAttention _panels;
    private readonly float*[] _keys, _values; // the panels of a head, one buffer for each worker
    private readonly int _workers;

    /// <summary>Allocates the buffers.</summary>
    /// <param name="shape">The shape of the blocks.</param>
    /// <param name="scale">The factor of scores.</param>
    /// <param name="bias">The biases of scores; null for none.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="scratch">The memory.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="longest">The largest number of tokens in a sequence.</param>
    public SequenceAttention(StackShape shape, float scale, RelativeBias? bias, KernelPath path, PassScratch scratch,
        int workers, int longest)
    {
        (_shape, _bias, _workers, Longest) = (shape, bias, workers, longest);
        _panels = new PanelAttention(shape, scale, path, scratch, workers, longest);
        (_keys, _values) = (new float*[workers], new float*[workers]);
        for (int worker = 0; worker < workers; worker++)
        {
            _keys[worker] = scratch.Floats(PanelAttention.KeyFloats(path, longest, shape.HeadSize));
            _values[worker] = scratch.Floats(PanelAttention.ValueFloats(path, longest, shape.HeadSize));
        }
    }

    /// <summary>The largest number of tokens in a sequence.</summary>
    public int Longest { get; }

    /// <summary>The row of each sequence's first token; then the number of rows.</summary>
    public int[] Starts { get; set; } = [0];

    /// <summary>Receives the weights of a pass over one sequence; null if they are not wanted.</summary>
    public PassTrace? Trace { get; set; }

    /// <inheritdoc/>
    public void Attend(int worker, int layer, float* queries, float* keys, float* values, float* mixed)
    {
        int item = 0;
        for (int i = 0; i + 1 < Starts.Length; i++)
        {
            int count = Starts[i + 1] - Starts[i];
            long at = (long)Starts[i] * _shape.AttentionSize;
            for (int head = 0; head < _shape.HeadCount; head++)
            {
                if (item++ % _workers != worker)
                    continue;
                _panels.Pack(head, count, keys + at, values + at, _keys[worker], _values[worker]);
                _panels.Mix(worker, head, count, _keys[worker], _values[worker], queries + at, count,
                    _bias is null ? null : _bias.At(head, 0), mixed + at,
                    Trace is null ? null : Trace.AttentionOf(layer, head, 0), count);
            }
        }
    }

    /// <inheritdoc/>
    public void AttendToSource(int worker, int layer, float* queries, float* mixed) =>
        throw new NotSupportedException("an encoder has no source");
}
