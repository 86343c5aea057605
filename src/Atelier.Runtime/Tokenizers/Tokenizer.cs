namespace Atelier.Tokenizers;

/// <summary>
/// Encodes text as token ids and decodes it. Each id stands for a sequence of bytes (UTF-8, with lone surrogates in
/// three bytes as in WTF-8), so that every string round-trips, unless the tokenizer normalises text or has a token for
/// unknown text. Immutable and safe for concurrent use.
/// </summary>
public abstract class Tokenizer
{
    private readonly Lazy<SpecialTokens> _special;
    private readonly Lazy<AddedTokens> _named;

    /// <summary>Creates a tokenizer.</summary>
    protected Tokenizer()
    {
        _special = new(() => SpecialTokens.Of(this));
        _named = new(() => new AddedTokens(NamedSpecials, null));
    }

    /// <summary>
    /// The kind of tokenizer: "character", "byte", "bpe", "sentencepiece", "wordpiece", "unigram" or "word-level".
    /// </summary>
    public abstract string Kind { get; }

    /// <summary>Number of ids, including special tokens. Ids run from 0 to <c>VocabularySize - 1</c>.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The id of the end-of-text token, which separates documents; null if the vocabulary has none.</summary>
    public abstract int? EndOfTextId { get; }

    /// <summary>Whether encoding inserts a space before the text, which decoding removes.</summary>
    public virtual bool BeginsWithSpace => false;

    /// <summary>The ids of the special tokens by purpose.</summary>
    public SpecialTokens Special => _special.Value;

    /// <summary>The post-processor and the truncation.</summary>
    internal TextFrame Frame { get; init; } = TextFrame.None;

    /// <summary>The names and ids of all special tokens.</summary>
    internal virtual IEnumerable<(string Name, int Id)> SpecialIds => [];

    /// <summary>The special tokens as they are found in text that names them.</summary>
    internal IReadOnlyList<AddedToken> NamedSpecials => [.. SpecialIds.Select(special =>
        Frame.Specials.FirstOrDefault(token => token.Id == special.Id)
        ?? new AddedToken(special.Name, special.Id, IsNormalized: false))];

    /// <summary>
    /// Appends the ids of <paramref name="text"/> to <paramref name="ids"/>. The names of special tokens are encoded as
    /// ordinary text.
    /// </summary>
    /// <exception cref="AtelierException">The text has a character that the vocabulary cannot encode.</exception>
    public abstract void Encode(ReadOnlySpan<char> text, List<int> ids);

    /// <summary>Returns the bytes of a token; empty for special tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public abstract ReadOnlySpan<byte> Bytes(int id);

    /// <summary>Returns the name of a token in the vocabulary, such as "Ġthe", "好" or "&lt;|endoftext|&gt;".</summary>
    public abstract string Name(int id);

    /// <summary>Writes a tokenizer.json that Hugging Face's tokenizers reads.</summary>
    public abstract void Save(string path);

    /// <summary>Returns the ids of <paramref name="text"/>.</summary>
    /// <inheritdoc cref="Encode(ReadOnlySpan{char}, List{int})"/>
    public int[] Encode(string text)
    {
        var ids = new List<int>(text.Length);
        Encode(text, ids);
        return [.. ids];
    }

    /// <summary>
    /// Encodes a text, or a pair of texts, with the special tokens that the post-processor of the tokenizer inserts and
    /// shortened as its truncation says. Without a post-processor no special tokens are inserted, and without a
    /// truncation nothing is shortened unless <paramref name="maxLength"/> is given.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="pair">The second text; null for one text.</param>
    /// <param name="maxLength">The greatest number of ids, including the special tokens; null takes the tokenizer's
    /// own. The longer text of a pair is shortened first, unless the tokenizer says otherwise.</param>
    /// <param name="readsSpecials">Whether the names of special tokens in the text stand for these tokens, as in "The
    /// [MASK] sat"; otherwise they are ordinary text.</param>
    /// <exception cref="AtelierException">The text has a character that the vocabulary cannot encode, the tokenizer has
    /// no template for a pair, or the special tokens alone exceed the greatest length.</exception>
    public EncodedText EncodeWithSpecials(string text, string? pair = null, int? maxLength = null,
        bool readsSpecials = false)
    {
        return Frame.Apply(Ids(text), pair is null ? null : Ids(pair), maxLength);

        List<int> Ids(string value) => readsSpecials ? EncodeNamed(value) : [.. Encode(value)];
    }

    /// <summary>Encodes a text in which the names of special tokens stand for these tokens.</summary>
    /// <exception cref="AtelierException">The text has a character that the vocabulary cannot encode.</exception>
    internal virtual List<int> EncodeNamed(string text)
    {
        var ids = new List<int>(text.Length);
        _named.Value.Encode(text, true, ids, EncodePart);
        return ids;
    }

    /// <summary>
    /// Whether the text of a token depends on the tokens around it, so that its bytes alone do not decode it.
    /// </summary>
    internal virtual bool DecodesInContext => false;

    /// <summary>An ordinary token, which can stand before others when these are decoded in context.</summary>
    internal virtual int FirstOrdinary => 0;

    /// <summary>Decodes tokens whose text depends on those around them.</summary>
    internal virtual string DecodeInContext(IEnumerable<int> ids) =>
        throw new NotSupportedException("the tokens of this tokenizer are decoded one by one");

    /// <summary>
    /// Appends the ids of a part of a text between special tokens, which may not be its beginning.
    /// </summary>
    internal virtual void EncodePart(ReadOnlySpan<char> text, bool isFirst, List<int> ids) => Encode(text, ids);

    /// <summary>
    /// Decodes <paramref name="ids"/> to text; bytes that are not UTF-8 become U+FFFD. This restores exactly what
    /// <see cref="Encode(string)"/> encoded, including lone surrogates. Use a <see cref="TextStream"/> or
    /// <see cref="DecodeText"/> for tokens that a model generated.
    /// </summary>
    public string Decode(ReadOnlySpan<int> ids) => TextStream.Read(this, ids, keepsSurrogates: true);

    /// <summary>Decodes <paramref name="ids"/> to well-formed text: lone surrogates become U+FFFD too.</summary>
    public string DecodeText(ReadOnlySpan<int> ids) => TextStream.Read(this, ids, keepsSurrogates: false);
}
