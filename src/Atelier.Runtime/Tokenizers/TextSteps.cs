namespace Atelier.Tokenizers;

/// <summary>What WordPiece and unigram tokenizers do with text before they look for tokens.</summary>
/// <param name="Normalizer">The normalizer; null for none.</param>
/// <param name="Words">The rules that cut text into words; null for none.</param>
/// <param name="Added">The tokens that are matched in the text literally.</param>
/// <param name="Specials">The names of the special tokens, which have no text.</param>
internal sealed record TextSteps(TextNormalizer? Normalizer, WordCutter? Words, IReadOnlyList<AddedToken> Added,
    IReadOnlyCollection<string> Specials)
{
    private readonly AddedTokens? _added =
        Normalizer is null && Added.Count == 0 ? null : new AddedTokens(Added, Normalizer);

    /// <summary>Appends the ids of a text, or of a part of it that may not be its beginning.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isFirst">Whether it is the beginning of the whole text.</param>
    /// <param name="ids">The list to which the ids are appended.</param>
    /// <param name="encode">Encodes the normalized text between added tokens; see
    /// <see cref="EncodeWords"/>.</param>
    public void Encode(ReadOnlySpan<char> text, bool isFirst, List<int> ids, PieceEncoder encode)
    {
        if (_added is null)
            encode(text, isFirst, ids);
        else
            _added.Encode(text, isFirst, ids, encode);
    }

    /// <summary>Appends the ids of the words of normalized text.</summary>
    public void EncodeWords(ReadOnlySpan<char> text, bool isFirst, List<int> ids, WordCache words)
    {
        if (text.IsEmpty)
            return;
        if (Words is null)
        {
            words.Encode(text, ids);
            return;
        }
        foreach (string word in Words.Cut(text, isFirst))
            words.Encode(word, ids);
    }

    /// <summary>Counts the words of training text on several cores.</summary>
    public (string[] Words, long[] Counts) Count(IEnumerable<string> texts, int threads,
        CancellationToken cancellation) => WordCounts.Of(texts, (piece, counts) =>
        {
            string text = Normalizer?.Apply(piece) ?? piece.ToString();
            foreach (string word in Words?.Cut(text, true) ?? [text])
                WordCounts.Add(counts, word);
        }, threads, cancellation);
}
