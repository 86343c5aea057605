namespace Atelier.Tokenizers;

/// <summary>
/// Turns text into token ids and back. Every id stands for a run of bytes (UTF-8, with lone surrogates in their
/// three-byte form, as WTF-8 does), so that any string round-trips. Immutable and safe to share between threads.
/// </summary>
public abstract class Tokenizer
{
    /// <summary>"character", "byte", "bpe" or "sentencepiece".</summary>
    public abstract string Kind { get; }

    /// <summary>The number of ids, special tokens included: ids run from 0 to <c>VocabularySize - 1</c>.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The id that stands between documents, or null where the vocabulary has none.</summary>
    public abstract int? EndOfTextId { get; }

    /// <summary>
    /// Whether encoding puts a space before the text, which decoding from the text's start takes away.
    /// </summary>
    public virtual bool BeginsWithSpace => false;

    /// <summary>
    /// Appends the ids of <paramref name="text"/> to <paramref name="ids"/>. Special tokens' names in the text are
    /// plain text.
    /// </summary>
    /// <exception cref="AtelierException">The text has a character that the vocabulary cannot express.</exception>
    public abstract void Encode(ReadOnlySpan<char> text, List<int> ids);

    /// <summary>The bytes that an id stands for; empty for special tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public abstract ReadOnlySpan<byte> Bytes(int id);

    /// <summary>The token as a person would write it: "Ġthe", "好", "&lt;|endoftext|&gt;".</summary>
    public abstract string Name(int id);

    /// <summary>Writes a tokenizer.json that Hugging Face's tokenizers reads.</summary>
    public abstract void Save(string path);

    /// <summary>The ids of <paramref name="text"/>.</summary>
    /// <inheritdoc cref="Encode(ReadOnlySpan{char}, List{int})"/>
    public int[] Encode(string text)
    {
        var ids = new List<int>(text.Length);
        Encode(text, ids);
        return [.. ids];
    }

    /// <summary>
    /// The text that <paramref name="ids"/> stand for; bytes that are not UTF-8 become U+FFFD. What <see
    /// cref="Encode(string)"/> took comes back as it was, lone surrogates too; what a model writes is read by a <see
    /// cref="TextStream"/> or <see cref="DecodeText"/>.
    /// </summary>
    public string Decode(ReadOnlySpan<int> ids) => TextStream.Read(this, ids, keepsSurrogates: true);

    /// <summary>The same as well-formed text: lone surrogates become U+FFFD too.</summary>
    public string DecodeText(ReadOnlySpan<int> ids) => TextStream.Read(this, ids, keepsSurrogates: false);
}
