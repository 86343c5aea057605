namespace Atelier.Tokenizers;

/// <summary>
/// Encodes text as token ids and decodes it. Each id stands for a sequence of bytes (UTF-8, with lone surrogates in
/// three bytes as in WTF-8), so that every string round-trips. Immutable and safe for concurrent use.
/// </summary>
public abstract class Tokenizer
{
    /// <summary>The kind of tokenizer: "character", "byte", "bpe" or "sentencepiece".</summary>
    public abstract string Kind { get; }

    /// <summary>Number of ids, including special tokens. Ids run from 0 to <c>VocabularySize - 1</c>.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The id of the end-of-text token, which separates documents; null if the vocabulary has none.</summary>
    public abstract int? EndOfTextId { get; }

    /// <summary>Whether encoding inserts a space before the text, which decoding removes.</summary>
    public virtual bool BeginsWithSpace => false;

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
    /// Decodes <paramref name="ids"/> to text; bytes that are not UTF-8 become U+FFFD. This restores exactly what
    /// <see cref="Encode(string)"/> encoded, including lone surrogates. Use a <see cref="TextStream"/> or
    /// <see cref="DecodeText"/> for tokens that a model generated.
    /// </summary>
    public string Decode(ReadOnlySpan<int> ids) => TextStream.Read(this, ids, keepsSurrogates: true);

    /// <summary>Decodes <paramref name="ids"/> to well-formed text: lone surrogates become U+FFFD too.</summary>
    public string DecodeText(ReadOnlySpan<int> ids) => TextStream.Read(this, ids, keepsSurrogates: false);
}
