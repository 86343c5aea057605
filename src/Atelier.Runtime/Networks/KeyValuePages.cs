using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Keys and values of <see cref="Tokens"/> tokens of all layers, in single precision. Sequences with the same beginning
/// hold the same pages.
/// </summary>
internal sealed unsafe class KeyValuePage(long bytes)
{
    /// <summary>Tokens of a page.</summary>
    public const int Tokens = 32;

    private readonly WeightMemory _memory = new((nuint)bytes);

    /// <summary>[layer, key or value, key-value head, token, head size].</summary>
    public float* Data => (float*)_memory.Data;

    /// <summary>Sequences that hold it.</summary>
    public int Holders { get; set; }

    public void Free() => _memory.Dispose();
}

/// <summary>The pages of one decoder: those that nobody holds any more are used again.</summary>
internal sealed unsafe class KeyValuePages(DecoderConfig config) : IDisposable
{
    private readonly Stack<KeyValuePage> _free = new();
    private readonly long _floats = 2L * config.LayerCount * config.KeyValueSize * KeyValuePage.Tokens;

    /// <summary>The floats of one head's keys in a page.</summary>
    public int HeadFloats { get; } = KeyValuePage.Tokens * config.HeadSize;

    /// <summary>Pages that sequences hold.</summary>
    public int HeldCount { get; private set; }

    public KeyValuePage Take()
    {
        KeyValuePage page = _free.Count > 0 ? _free.Pop() : new KeyValuePage(_floats * sizeof(float));
        page.Holders = 1;
        HeldCount++;
        return page;
    }

    /// <summary>
    /// A page with the same content that only the caller holds; the caller no longer holds the other one.
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

    /// <summary>Where a layer's keys (or values) of a head begin in a page.</summary>
    public long Offset(int layer, bool values, int head) =>
        (((long)layer * 2 + (values ? 1 : 0)) * config.KeyValueHeadCount + head) * HeadFloats;

    /// <summary>Frees the pages that nobody holds; the others go with the sequences that hold them.</summary>
    public void Dispose()
    {
        while (_free.TryPop(out KeyValuePage? page))
            page.Free();
    }
}
