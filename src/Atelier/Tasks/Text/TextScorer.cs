using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Text;

/// <summary>
/// Scores held-out text with a model, in windows of its context length. By default windows do not overlap. With a
/// stride they do: then each window but the first of a document counts only its last stride tokens, which have more
/// context.
/// </summary>
internal sealed class TextScorer
{
    private const int FewDocuments = 30; // fewer documents are cut into blocks, so that the bootstrap has enough items
    private const int LeastBlock = 20, MostBlock = 1000; // characters

    /// <summary>The smallest number of characters to evaluate a model on: one of the shortest blocks.</summary>
    public const int FewestCharacters = LeastBlock;

    private const int LongestWindow = 1 << 20; // tokens, for a model with unlimited context
    private const int TokensAtOnce = 1 << 14; // scored between two checks for cancellation

    private readonly TokenFile _file;
    private readonly int _startId;
    private readonly int _context;
    private readonly int _stride;
    private readonly long _block; // characters
    private readonly int[] _characters; // [vocabulary]: the number of scalar values that begin in each token
    private readonly int[] _bytes; // [vocabulary]: the number of bytes of each token

    /// <summary>Creates a scorer.</summary>
    /// <param name="file">The held-out text.</param>
    /// <param name="tokenizer">The tokenizer of the text.</param>
    /// <param name="startId">The token before each document. A part of a single document has none: its first token is
    /// not predicted.</param>
    /// <param name="contextLength">The context length of the model; <see cref="int.MaxValue"/> if unlimited.</param>
    /// <param name="stride">The number of tokens between the starts of windows; 0 for the context length.</param>
    public TextScorer(TokenFile file, Tokenizer tokenizer, int startId, int contextLength, int stride)
    {
        _file = file;
        _startId = startId;
        _context = Math.Min(contextLength, LongestWindow);
        _block = Math.Clamp(file.Characters / FewDocuments, LeastBlock, MostBlock);
        // With unlimited context, one window has all the context that there is.
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

    /// <summary>Whether the scored stretches are blocks of documents rather than whole documents.</summary>
    public bool CutsBlocks => _file.DocumentCount < FewDocuments;

    /// <summary>The words for the scored stretches, in the plural.</summary>
    public string Pieces => CutsBlocks
        ? FormattableString.Invariant($"blocks of {_block:N0} characters, since there are few documents")
        : "documents";

    /// <summary>
    /// Returns the score of each stretch: of each document, or of blocks of up to 1,000 characters if there are few
    /// documents. Blocks end at the same positions for all tokenizers, so that models with different tokenizers can be
    /// compared block by block.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="progress">Receives the fraction of the tokens that have been scored, 0 to 1; null for none.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public IReadOnlyList<TextScore> Score(ILanguageModel model, Action<double>? progress,
        CancellationToken cancellation)
    {
        var stretches = new List<TextScore>();
        var waiting = new List<Window>();
        TextScore current = default; // of the stretch that is not complete yet
        long tokens = 0;
        long at = 0, block = 0; // in the current document: characters before the next token, completed blocks
        void Flush()
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlyMemory<int>[] sequences = [.. waiting.Select(window => window.Tokens)];
            IReadOnlyList<TokenScore[]> scores = model.Score(sequences, cancellation);
            for (int i = 0; i < waiting.Count; i++)
            {
                Window window = waiting[i];
                if (window.Begins)
                {
                    block = 0;
                    at = _file.EndOfTextId is null ? _characters[window.Tokens[0]] : 0; // the first is not predicted
                }
                for (int t = window.Skip; t < scores[i].Length; t++)
                {
                    int id = window.Tokens[t + 1];
                    CompleteUpTo(Math.Min(at / _block, window.Blocks - 1));
                    current += new TextScore(-scores[i][t].LogProbability, 1, _characters[id], _bytes[id],
                        scores[i][t].IsMostLikely ? 1 : 0);
                    at += _characters[id];
                }
                if (window.Ends)
                    CompleteUpTo(window.Blocks);
            }
            waiting.Clear();
        }
        void CompleteUpTo(long count)
        {
            for (; block < count; block++)
            {
                stretches.Add(current); // has no tokens if a token is longer than a block
                current = default;
            }
        }

        long waitingTokens = 0;
        foreach (Window window in Windows())
        {
            waiting.Add(window);
            waitingTokens += window.Tokens.Length;
            tokens += window.Tokens.Length - 1 - window.Skip;
            if (waitingTokens >= TokensAtOnce)
            {
                Flush();
                waitingTokens = 0;
                progress?.Invoke((double)tokens / _file.Count);
            }
        }
        if (waiting.Count > 0)
            Flush();
        return stretches;
    }

    /// <summary>Returns the windows of all documents.</summary>
    private IEnumerable<Window> Windows()
    {
        int lead = _file.EndOfTextId is null ? 0 : 1;
        for (long index = 0; index < _file.DocumentCount; index++)
        {
            DocumentEntry document = _file.Document(index);
            long length = document.Length + lead; // of the sequence, including its start token
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

    /// <summary>A sequence of tokens that the model scores together.</summary>
    /// <param name="Tokens">The tokens; all but the first are predicted.</param>
    /// <param name="Skip">The number of first predictions to ignore, because an earlier window has made them.</param>
    /// <param name="Begins">Whether it is the first window of its document.</param>
    /// <param name="Ends">Whether it is the last window of its document.</param>
    /// <param name="Blocks">The number of stretches in the document.</param>
    private readonly record struct Window(int[] Tokens, int Skip, bool Begins, bool Ends, long Blocks);
}
