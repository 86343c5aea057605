using Atelier.Data.Text;
using Atelier.Decoding;
using Atelier.Tokenizers;

namespace Atelier.Evaluation;

/// <summary>
/// Scores held-out text with a model, in windows of its context. Windows do not overlap unless a stride is given: then each
/// window but a document's first counts only its last stride tokens, which see more context.
/// </summary>
internal sealed class TextScorer
{
    private const int FewDocuments = 30; // fewer than these are cut into blocks, so that there is something to resample
    private const int BlockCharacters = 1000;
    private const int LongestWindow = 1 << 20; // of a model without a limit
    private const int TokensAtOnce = 1 << 14; // between two looks whether to stop, as many as a core takes at once of a large model

    private readonly TokenFile _file;
    private readonly int _startId;
    private readonly int _context;
    private readonly int _stride;
    private readonly int[] _characters; // [vocabulary]: scalar values that begin in each token
    private readonly int[] _bytes;

    /// <summary>Prepares to score.</summary>
    /// <param name="file">The held-out text.</param>
    /// <param name="tokenizer">What its ids mean.</param>
    /// <param name="startId">The token that a document begins after; a part of a single document begins with its own first.</param>
    /// <param name="contextLength">The model's.</param>
    /// <param name="stride">Tokens between windows; 0 for the context.</param>
    public TextScorer(TokenFile file, Tokenizer tokenizer, int startId, int contextLength, int stride)
    {
        _file = file;
        _startId = startId;
        _context = Math.Min(contextLength, LongestWindow);
        // A model without a limit has all there is to see in one window.
        _stride = stride == 0 || contextLength == int.MaxValue ? _context : Math.Min(stride, _context);
        _characters = new int[tokenizer.VocabularySize];
        _bytes = new int[tokenizer.VocabularySize];
        for (int id = 0; id < _bytes.Length; id++)
        {
            ReadOnlySpan<byte> bytes = tokenizer.Bytes(id);
            _bytes[id] = bytes.Length;
            foreach (byte value in bytes)
                _characters[id] += (value & 0xC0) != 0x80 ? 1 : 0;
        }
        if (tokenizer.EndOfTextId is int end)
            _characters[end] = _bytes[end] = 1;
    }

    /// <summary>Whether stretches are blocks of long documents rather than whole documents.</summary>
    public bool CutsBlocks => _file.DocumentCount < FewDocuments;

    /// <summary>The score of each stretch: a document, or a block of at least 1,000 characters where there are few documents.</summary>
    public IReadOnlyList<TextScore> Score(ILanguageModel model, Action<double>? progress, CancellationToken cancellation)
    {
        var stretches = new List<TextScore>();
        var waiting = new List<(int[] Tokens, int Skip, bool Ends)>();
        TextScore under = default;
        long tokens = 0;
        void Flush()
        {
            cancellation.ThrowIfCancellationRequested();
            IReadOnlyList<TokenScore[]> scores = model.Score([.. waiting.Select(w => (ReadOnlyMemory<int>)w.Tokens)]);
            for (int i = 0; i < waiting.Count; i++)
            {
                (int[] window, int skip, bool ends) = waiting[i];
                for (int t = skip; t < scores[i].Length; t++)
                {
                    int id = window[t + 1];
                    under += new TextScore(-scores[i][t].LogProbability, 1, _characters[id], _bytes[id], scores[i][t].IsMostLikely ? 1 : 0);
                    if (CutsBlocks && under.Characters >= BlockCharacters)
                        Close();
                }
                if (ends)
                    Close();
            }
            waiting.Clear();
        }
        void Close()
        {
            if (under.Tokens > 0)
                stretches.Add(under);
            under = default;
        }

        long held = 0;
        foreach ((int[] Tokens, int Skip, bool Ends) window in Windows())
        {
            waiting.Add(window);
            held += window.Tokens.Length;
            tokens += window.Tokens.Length - 1 - window.Skip;
            if (held >= TokensAtOnce)
            {
                Flush();
                held = 0;
                progress?.Invoke((double)tokens / _file.Count);
            }
        }
        if (waiting.Count > 0)
            Flush();
        Close();
        return stretches;
    }

    /// <summary>Windows with the number of their first predictions that an earlier window has made, and whether the document ends with them.</summary>
    private IEnumerable<(int[] Tokens, int Skip, bool Ends)> Windows()
    {
        int lead = _file.EndOfTextId is null ? 0 : 1;
        for (long index = 0; index < _file.DocumentCount; index++)
        {
            DocumentEntry document = _file.Document(index);
            long length = document.Length + lead; // of the sequence, its start token included
            for (long start = 0, done = 1; done < length; start += _stride)
            {
                int[] tokens = new int[(int)Math.Min(_context + 1L, length - start)];
                int ahead = start == 0 ? lead : 0;
                tokens[0] = _startId;
                _file.Read(document.Start + start - lead + ahead, tokens.AsSpan(ahead));
                long end = start + tokens.Length;
                yield return (tokens, (int)(done - start - 1), end == length);
                done = end;
            }
        }
    }
}
