using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Atelier.Networks;

/// <summary>
/// What a pass over one sequence records for an explanation: the weights of attention of each head, and the residual
/// stream before each block and after the last one.
/// </summary>
internal sealed unsafe class PassTrace
{
    private readonly int _hidden, _tokens, _sourceTokens;

    /// <summary>Allocates the memory, all zero.</summary>
    /// <param name="layers">Number of blocks.</param>
    /// <param name="heads">Number of heads in a block.</param>
    /// <param name="hidden">The width of the residual stream.</param>
    /// <param name="tokens">Number of tokens of the sequence.</param>
    /// <param name="sourceTokens">Number of tokens of its source; 0 without a source.</param>
    public PassTrace(int layers, int heads, int hidden, int tokens, int sourceTokens = 0)
    {
        (Heads, _hidden, _tokens, _sourceTokens) = (heads, hidden, tokens, sourceTokens);
        Attention = Allocate(layers, (long)heads * tokens * tokens);
        Cross = Allocate(sourceTokens == 0 ? 0 : layers, (long)heads * tokens * sourceTokens);
        States = Allocate(layers + 1, (long)tokens * hidden);
    }

    /// <summary>Number of heads in a block.</summary>
    public int Heads { get; }

    /// <summary>The weights of self-attention by layer, [heads, queries, keys].</summary>
    public IReadOnlyList<float[]> Attention { get; }

    /// <summary>The weights of the attention to the source by layer, [heads, queries, source tokens].</summary>
    public IReadOnlyList<float[]> Cross { get; }

    /// <summary>
    /// The residual stream before each block, and after the last one, before the final norm; [tokens, hidden].
    /// </summary>
    public IReadOnlyList<float[]> States { get; }

    /// <summary>Returns where the weights of a query begin.</summary>
    public float* AttentionOf(int layer, int head, int query) =>
        Pointer(Attention[layer]) + ((long)head * _tokens + query) * _tokens;

    /// <summary>Returns where the weights of a query to the source begin.</summary>
    public float* CrossOf(int layer, int head, int query) =>
        Pointer(Cross[layer]) + ((long)head * _tokens + query) * _sourceTokens;

    /// <summary>Copies a row of the residual stream.</summary>
    /// <param name="layer">The number of blocks that it has passed.</param>
    /// <param name="token">The position of the token.</param>
    /// <param name="x">The row, [hidden].</param>
    public void Keep(int layer, int token, float* x) =>
        new ReadOnlySpan<float>(x, _hidden).CopyTo(States[layer].AsSpan(token * _hidden));

    // pinned, since the workers of a pass write through pointers
    private static float[][] Allocate(int layers, long size) =>
        [.. Enumerable.Range(0, layers).Select(_ => GC.AllocateArray<float>(checked((int)size), pinned: true))];

    private static float* Pointer(float[] pinned) =>
        (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
