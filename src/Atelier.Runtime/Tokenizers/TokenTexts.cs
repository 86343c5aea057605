namespace Atelier.Tokenizers;

/// <summary>
/// The texts of tokens that are whole characters, made once each: a token that comes again costs no new string.
/// </summary>
internal sealed class TokenTexts(Tokenizer tokenizer)
{
    /// <summary>What determines the bytes of a token.</summary>
    public Tokenizer Tokenizer { get; } = tokenizer;

    private readonly string?[] _texts = new string?[tokenizer.VocabularySize];

    /// <summary>The text of a token, or null where its bytes are not whole characters.</summary>
    public string? Of(int id) => (_texts[id] ??= Make(id)) is { Length: > 0 } text ? text : null;

    // An empty string says that there is none.
    private string Make(int id)
    {
        ReadOnlySpan<byte> bytes = Tokenizer.Bytes(id);
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
