using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// A page of the key-value cache: the keys and values of <see cref="Tokens"/> tokens in all layers. Sequences with the
/// same prefix share pages.
/// </summary>
internal sealed unsafe class KeyValuePage(long bytes)
{
    /// <summary>Number of tokens in a page.</summary>
    public const int Tokens = 32;

    private readonly WeightMemory _memory = new((nuint)bytes);

    /// <summary>The data, [layer, key or value, key-value head, token, head size].</summary>
    public byte* Data => _memory.Data;

    /// <summary>Number of sequences that use the page.</summary>
    public int Holders { get; set; }

    public void Free() => _memory.Dispose();
}

/// <summary>The pages of one decoder. Pages that no sequence uses any more are recycled.</summary>
/// <param name="config">The configuration of the decoder.</param>
/// <param name="type">The type of keys and values: F32, F16 or Q8_0.</param>
internal sealed unsafe class KeyValuePages(DecoderConfig config, WeightType type = WeightType.F32) : IDisposable
{
    private readonly Stack<KeyValuePage> _free = new();

    /// <summary>The type of keys and values.</summary>
    public WeightType Type { get; } = type;

    /// <summary>The size in bytes of a key or value of one head.</summary>
    public int RowBytes { get; } = (int)type.RowBytes(config.HeadSize);

    /// <summary>The size of a page in bytes.</summary>
    public long PageBytes => 2L * config.LayerCount * config.KeyValueHeadCount * HeadBytes;

    /// <summary>Number of pages in use.</summary>
    public int HeldCount { get; private set; }

    private long HeadBytes => (long)KeyValuePage.Tokens * RowBytes;

    public KeyValuePage Take()
    {
        KeyValuePage page = _free.Count > 0 ? _free.Pop() : new KeyValuePage(PageBytes);
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
        Buffer.MemoryCopy(page.Data, copy.Data, PageBytes, PageBytes);
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

    /// <summary>Returns the place in a page of a token's key or value of a layer and head.</summary>
    /// <param name="page">The page.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="values">Whether it is the value.</param>
    /// <param name="head">The key-value head.</param>
    /// <param name="token">The token in its sequence, whose number in the page is the remainder.</param>
    public byte* Row(KeyValuePage page, int layer, bool values, int head, int token) => page.Data
        + (((long)layer * 2 + (values ? 1 : 0)) * config.KeyValueHeadCount + head) * HeadBytes
        + token % KeyValuePage.Tokens * RowBytes;

    /// <summary>Frees the unused pages; the others are freed when their sequences are.</summary>
    public void Dispose()
    {
        while (_free.TryPop(out KeyValuePage? page))
            page.Free();
    }
}
