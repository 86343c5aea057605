using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// How queries, keys and values of a causal self-attention lie in the rows that one product made, one row a place.
/// </summary>
/// <param name="Batch">Sequences.</param>
/// <param name="Time">Places of each.</param>
/// <param name="Heads">Query heads, first in a row.</param>
/// <param name="KeyValueHeads">Key heads, then as many value heads; divides the query heads.</param>
/// <param name="Size">The width of a head, a multiple of sixteen.</param>
internal readonly record struct AttentionLayout(int Batch, int Time, int Heads, int KeyValueHeads, int Size)
{
    /// <summary>Places, rounded up to whole registers.</summary>
    public int Padded => Bf16.WholeRegisters(Time);

    /// <summary>Query heads that share a key head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>The length of a row of queries, keys and values.</summary>
    public int Row => (Heads + (2 * KeyValueHeads)) * Size;

    /// <summary>The length of a row of what the heads make of them.</summary>
    public int MixedRow => Heads * Size;

    /// <summary>Where a key head begins in a row.</summary>
    public int KeyAt(int shared) => (Heads + shared) * Size;

    /// <summary>Where a value head begins in a row.</summary>
    public int ValueAt(int shared) => (Heads + KeyValueHeads + shared) * Size;
}
