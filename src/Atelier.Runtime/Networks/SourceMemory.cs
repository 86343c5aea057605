using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// The keys and values of encoded sources in all layers of a decoder, in panels. All targets of a source share them.
/// </summary>
internal sealed unsafe class SourceMemory : IDisposable
{
    private readonly StackShape _shape;
    private readonly KernelPath _path;
    private readonly WeightMemory _memory;
    private readonly long[] _starts;

    /// <summary>Allocates the memory.</summary>
    /// <param name="shape">The shape of the blocks.</param>
    /// <param name="layers">Number of layers of the decoder.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="lengths">Number of tokens of each source.</param>
    public SourceMemory(StackShape shape, int layers, KernelPath path, int[] lengths)
    {
        (_shape, _path, Lengths, Longest) = (shape, path, lengths, lengths.Max());
        _starts = new long[lengths.Length];
        long floats = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            _starts[i] = floats;
            floats += layers * shape.HeadCount * HeadFloats(i);
        }
        _memory = new WeightMemory(checked((nuint)(floats * sizeof(float))));
    }

    /// <summary>Number of tokens of each source.</summary>
    public int[] Lengths { get; }

    /// <summary>Number of tokens of the longest source.</summary>
    public int Longest { get; }

    /// <summary>Returns the panels of the keys of a head.</summary>
    public float* Keys(int source, int layer, int head) => (float*)_memory.Data + _starts[source]
        + ((long)layer * _shape.HeadCount + head) * HeadFloats(source);

    /// <summary>Returns the panels of the values of a head.</summary>
    public float* Values(int source, int layer, int head) =>
        Keys(source, layer, head) + PanelAttention.KeyFloats(_path, Lengths[source], _shape.HeadSize);

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private long HeadFloats(int source) => PanelAttention.KeyFloats(_path, Lengths[source], _shape.HeadSize)
        + PanelAttention.ValueFloats(_path, Lengths[source], _shape.HeadSize);
}
