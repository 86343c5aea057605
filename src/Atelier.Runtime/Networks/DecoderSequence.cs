using Atelier.Abstractions;

namespace Atelier.Networks;

/// <summary>A sequence of a <see cref="Decoder"/>: its tokens and the pages of their keys and values.</summary>
internal sealed class DecoderSequence(Decoder decoder) : IDecodingSequence
{
    private KeyValuePage[] _pages = [];
    private int[] _tokens = [];
    private int _pageCount;
    private bool _disposed;

    public Decoder Decoder { get; } = decoder;

    public int Length { get; private set; }

    public bool CanTruncate => true;

    public KeyValuePage[] Pages => _pages;

    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Length);

    /// <summary>Reserves room for tokens after the last one, in pages that no other sequence shares.</summary>
    public void Reserve(int count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        int within = Length % KeyValuePage.Tokens, page = Length / KeyValuePage.Tokens;
        if (within > 0 && _pages[page].Holders > 1)
            _pages[page] = Decoder.Pages.TakeCopy(_pages[page]);
        int pages = (Length + count + KeyValuePage.Tokens - 1) / KeyValuePage.Tokens;
        if (pages > _pages.Length)
        {
            Array.Resize(ref _pages, Math.Max(pages, 2 * _pages.Length));
            Array.Resize(ref _tokens, _pages.Length * KeyValuePage.Tokens);
        }
        while (_pageCount < pages)
            _pages[_pageCount++] = Decoder.Pages.Take();
    }

    /// <summary>Appends tokens that were read.</summary>
    public void Advance(ReadOnlySpan<int> tokens)
    {
        tokens.CopyTo(_tokens.AsSpan(Length));
        Length += tokens.Length;
    }

    public IDecodingSequence Fork() => Fork(Length);

    /// <summary>Returns a new sequence with the same first tokens.</summary>
    public DecoderSequence Fork(int length)
    {
        lock (Decoder.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            DecoderSequence fork = Decoder.NewSequence();
            fork._pageCount = (length + KeyValuePage.Tokens - 1) / KeyValuePage.Tokens;
            fork._pages = _pages[..fork._pageCount];
            fork._tokens = new int[fork._pageCount * KeyValuePage.Tokens];
            foreach (KeyValuePage page in fork._pages)
                page.Holders++;
            fork.Advance(_tokens.AsSpan(0, length));
            return fork;
        }
    }

    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        lock (Decoder.Gate)
        {
            Length = length;
            int pages = (length + KeyValuePage.Tokens - 1) / KeyValuePage.Tokens;
            while (_pageCount > pages)
                Decoder.Pages.LetGo(_pages[--_pageCount]);
        }
    }

    public void Dispose()
    {
        lock (Decoder.Gate)
        {
            if (_disposed)
                return;
            Truncate(0);
            _disposed = true;
            Decoder.Forget(this);
        }
    }
}
