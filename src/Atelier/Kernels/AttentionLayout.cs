using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// How queries, keys and values lie in rows, one row a position: those of self-attention in the rows of one product,
/// those of cross-attention in the rows of two.
/// </summary>
/// <param name="Batch">The number of sequences.</param>
/// <param name="Time">The number of queries of each sequence.</param>
/// <param name="Span">The number of keys of each sequence.</param>
/// <param name="Heads">The number of query heads.</param>
/// <param name="KeyValueHeads">The number of key heads, and of value heads; it divides that of query heads.</param>
/// <param name="Size">The width of a head, a multiple of sixteen.</param>
/// <param name="IsCross">Whether keys and values have rows of their own, instead of following the queries.</param>
/// <param name="IsCausal">Whether queries attend only to keys up to their own position; Span is Time then.</param>
/// <param name="KeyCounts">The number of keys of each sequence before its padding, from 1; null for all.</param>
internal readonly record struct AttentionLayout(int Batch, int Time, int Span, int Heads, int KeyValueHeads, int Size,
    bool IsCross, bool IsCausal, int[]? KeyCounts)
{
    /// <summary>The number of queries, rounded up to whole registers.</summary>
    public int PaddedTime => Bf16.WholeRegisters(Time);

    /// <summary>The number of keys, rounded up to whole registers.</summary>
    public int PaddedSpan => Bf16.WholeRegisters(Span);

    /// <summary>The number of query heads that share a key head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>The length of a row of queries.</summary>
    public int QueryRow => MixedRow + (IsCross ? 0 : 2 * KeyValueHeads * Size);

    /// <summary>The length of a row of keys and values.</summary>
    public int KeyRow => (2 * KeyValueHeads * Size) + (IsCross ? 0 : MixedRow);

    /// <summary>The length of a row of results.</summary>
    public int MixedRow => Heads * Size;

    /// <summary>The offset of a key head from the first key of a row.</summary>
    public int KeyAt(int shared) => shared * Size;

    /// <summary>The offset of a value head from the first key of a row.</summary>
    public int ValueAt(int shared) => (KeyValueHeads + shared) * Size;

    /// <summary>The number of keys of a sequence before its padding.</summary>
    public int KeysOf(int batch) => KeyCounts?[batch] ?? Span;

    /// <summary>
    /// The number of keys that a block of sixteen queries attends to, in whole registers.
    /// </summary>
    /// <param name="first">The first query of the block.</param>
    /// <param name="keys">The number of keys of the sequence.</param>
    public int SpanOf(int first, int keys) => IsCausal ? first + Bf16.Lanes : Bf16.WholeRegisters(keys);

    /// <summary>The number of keys that a query attends to in the last register of its span.</summary>
    /// <param name="r">The query's place in its block.</param>
    /// <param name="keys">The number of keys of the sequence.</param>
    public int SeenOf(int r, int keys) => IsCausal ? r + 1 : ((keys - 1) % Bf16.Lanes) + 1;
}
