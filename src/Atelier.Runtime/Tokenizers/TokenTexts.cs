namespace Atelier.Tokenizers;

/// <summary>A cache of the texts of tokens, so that a repeated token allocates no new string.</summary>
internal sealed class TokenTexts(Tokenizer tokenizer)
{
    /// <summary>The tokenizer of the tokens.</summary>
    public Tokenizer Tokenizer { get; } = tokenizer;

    private readonly string?[] _texts = new string?[tokenizer.VocabularySize];

    /// <summary>Returns the text of a token, or null if its bytes are not whole characters.</summary>
    public string? Of(int id) => (_texts[id] ??= Make(id)) is { Length: > 0 } text ? text : null;

    // Returns an empty string if the token has no text of its own.
    private string Make(int id)
    {
        ReadOnlySpan<byte> bytes = Tokenizer.Bytes(id);
        // sentinels say which of the spans the text after them is
        if (bytes.IsEmpty && Tokenizer.Special.Sentinels.Contains(id))
            return Tokenizer.Name(id);
        for (ReadOnlySpan<byte> rest = bytes; !rest.IsEmpty;)
        {
            int length = Wtf8.Decode(rest, out int scalar);
            if (length <= 0 || scalar is >= 0xD800 and <= 0xDFFF)
                return "";
            rest = rest[length..];
        }
        return System.Text.Encoding.UTF8.GetString(bytes);
    }
}
