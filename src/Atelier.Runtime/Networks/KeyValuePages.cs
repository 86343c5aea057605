using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// A page of the key-value cache: the keys and values of <see cref="Tokens"/> tokens in all layers, in single
/// precision. Sequences with the same prefix share pages.
/// </summary>
internal sealed unsafe class KeyValuePage(long bytes)
{
    /// <summary>Number of tokens in a page.</summary>
    public const int Tokens = 32;

    private readonly WeightMemory _memory = new((nuint)bytes);

    /// <summary>The data, [layer, key or value, key-value head, token, head size].</summary>
    public float* Data => (float*)_memory.Data;

    /// <summary>Number of sequences that use the page.</summary>
    public int Holders { get; set; }

    public void Free() => _memory.Dispose();
}

/// <summary>The pages of one decoder. Pages that no sequence uses any more are recycled.</summary>
internal sealed unsafe class KeyValuePages(DecoderConfig config) : IDisposable
{
    private readonly Stack<KeyValuePage> _free = new();
    private readonly long _floats = 2L * config.LayerCount * config.KeyValueSize * KeyValuePage.Tokens;

    /// <summary>Number of floats of one head's keys in a page.</summary>
    public int HeadFloats { get; } = KeyValuePage.Tokens * config.HeadSize;

    /// <summary>Number of pages in use.</summary>
    public int HeldCount { get; private set; }

    public KeyValuePage Take()
    {
        KeyValuePage page = _free.Count > 0 ? _free.Pop() : new KeyValuePage(_floats * sizeof(float));
        page.Holders = 1;
        HeldCount++;
        return page;
    }

    /// <summary>
    /// Returns a copy of a page for the caller alone, and releases the caller's share of the original.
    /// </summary>
    public KeyValuePage TakeCopy(KeyValuePage page)
    {
        KeyValuePage copy = Take();
        new ReadOnlySpan<byte>(page.Data, checked((int)(_floats * sizeof(float))))
            .CopyTo(new Span<byte>(copy.Data, (int)(_floats * sizeof(float))));
        LetGo(page);
        return copy;
    }

    public void LetGo(KeyValuePage page)
    {
        if (--page.Holders > 0)
            return;
        HeldCount--;
        _free.Push(page);
    }

    /// <summary>Returns the offset in a page of the keys or values of a layer and head.</summary>
    public long Offset(int layer, bool values, int head) =>
        (((long)layer * 2 + (values ? 1 : 0)) * config.KeyValueHeadCount + head) * HeadFloats;

    /// <summary>Frees the unused pages; the others are freed when their sequences are.</summary>
    public void Dispose()
    {
        while (_free.TryPop(out KeyValuePage? page))
            page.Free();
    }
}
