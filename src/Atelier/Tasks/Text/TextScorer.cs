using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Text;

/// <summary>
/// Scores held-out text with a model, in windows of its context. Windows do not overlap unless a stride is given: then
/// each window but a document's first counts only its last stride tokens, which see more context.
/// </summary>
internal sealed class TextScorer
{
    private const int FewDocuments = 30; // fewer than these are cut into blocks, so that there is something to resample
    private const int LeastBlock = 20, MostBlock = 1000; // characters

    /// <summary>The fewest characters that a model is evaluated on: one of the shortest blocks.</summary>
    public const int FewestCharacters = LeastBlock;

    private const int LongestWindow = 1 << 20; // of a model without a limit
    // between two looks whether to stop, as many as a core takes at once of a large model
    private const int TokensAtOnce = 1 << 14;

    private readonly TokenFile _file;
    private readonly int _startId;
    private readonly int _context;
    private readonly int _stride;
    private readonly long _block; // characters
    private readonly int[] _characters; // [vocabulary]: scalar values that begin in each token
    private readonly int[] _bytes;

    /// <summary>Prepares to score.</summary>
    /// <param name="file">The held-out text.</param>
    /// <param name="tokenizer">What its ids mean.</param>
    /// <param name="startId">The token that a document begins after; a part of a single document begins with its own
    /// first.</param>
    /// <param name="contextLength">The model's.</param>
    /// <param name="stride">Tokens between windows; 0 for the context.</param>
    public TextScorer(TokenFile file, Tokenizer tokenizer, int startId, int contextLength, int stride)
    {
        _file = file;
        _startId = startId;
        _context = Math.Min(contextLength, LongestWindow);
        _block = Math.Clamp(file.Characters / FewDocuments, LeastBlock, MostBlock);
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

    /// <summary>What a stretch is, in the plural.</summary>
    public string Pieces => CutsBlocks
        ? FormattableString.Invariant($"blocks of {_block:N0} characters, since there are few documents") : "documents";

    /// <summary>
    /// The score of each stretch: a document, or a block of up to 1,000 characters where there are few documents.
    /// Blocks end at the same places whatever the tokenizer, so that models of different tokenizers are compared block
    /// by block.
    /// </summary>
    public IReadOnlyList<TextScore> Score(ILanguageModel model, Action<double>? progress,
        CancellationToken cancellation)
    {
        var stretches = new List<TextScore>();
        var waiting = new List<Window>();
        TextScore under = default;
        long tokens = 0, at = 0, block = 0; // of the document: characters before the next token, blocks that are closed
        void Flush()
        {
            cancellation.ThrowIfCancellationRequested();
            IReadOnlyList<TokenScore[]> scores = model.Score([.. waiting.Select(w => (ReadOnlyMemory<int>)w.Tokens)],
                cancellation);
            for (int i = 0; i < waiting.Count; i++)
            {
                Window window = waiting[i];
                if (window.Begins)
                {
                    block = 0;
                    // a first token that nothing predicts
                    at = _file.EndOfTextId is null ? _characters[window.Tokens[0]] : 0;
                }
                for (int t = window.Skip; t < scores[i].Length; t++)
                {
                    int id = window.Tokens[t + 1];
                    CloseUpTo(Math.Min(at / _block, window.Blocks - 1));
                    under += new TextScore(-scores[i][t].LogProbability, 1, _characters[id], _bytes[id],
                        scores[i][t].IsMostLikely ? 1 : 0);
                    at += _characters[id];
                }
                if (window.Ends)
                    CloseUpTo(window.Blocks);
            }
            waiting.Clear();
        }
        void CloseUpTo(long count)
        {
            for (; block < count; block++)
            {
                stretches.Add(under); // without tokens where a token is longer than a block
                under = default;
            }
        }

        long held = 0;
        foreach (Window window in Windows())
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
        return stretches;
    }

    /// <summary>The windows of all documents.</summary>
    private IEnumerable<Window> Windows()
    {
        int lead = _file.EndOfTextId is null ? 0 : 1;
        for (long index = 0; index < _file.DocumentCount; index++)
        {
            DocumentEntry document = _file.Document(index);
            long length = document.Length + lead; // of the sequence, its start token included
            long blocks = CutsBlocks ? (document.Characters + _block - 1) / _block : 1;
            for (long start = 0, done = 1; done < length; start += _stride)
            {
                int[] tokens = new int[(int)Math.Min(_context + 1L, length - start)];
                int ahead = start == 0 ? lead : 0;
                tokens[0] = _startId;
                _file.Read(document.Start + start - lead + ahead, tokens.AsSpan(ahead));
                long end = start + tokens.Length;
                yield return new(tokens, (int)(done - start - 1), start == 0, end == length, blocks);
                done = end;
            }
        }
    }

    /// <summary>A window that the model scores at once.</summary>
    /// <param name="Tokens">What the model sees; each but the first is predicted.</param>
    /// <param name="Skip">The number of its first predictions that an earlier window has made.</param>
    /// <param name="Begins">Whether the document begins with it.</param>
    /// <param name="Ends">Whether the document ends with it.</param>
    /// <param name="Blocks">The number of stretches of the document.</param>
    private readonly record struct Window(int[] Tokens, int Skip, bool Begins, bool Ends, long Blocks);
}
