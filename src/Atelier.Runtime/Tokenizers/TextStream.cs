using System.Text;

namespace Atelier.Tokenizers;

/// <summary>
/// Decodes generated tokens to text, one token at a time. Bytes are held back until they form a whole character.
/// Invalid bytes, including a lone surrogate in three bytes (WTF-8, Sapin 2018), become U+FFFD. All generated text is
/// decoded by this class, so it is valid in every file, report and stream.
/// </summary>
public sealed class TextStream
{
    private readonly Tokenizer _tokenizer;
    private readonly TokenTexts? _texts;
    private readonly bool _keepsSurrogates;
    private bool _dropSpace;
    private readonly List<byte> _held = [];
    private readonly StringBuilder _text = new();
    private readonly List<int> _tokens = []; // of a tokenizer that decodes in context: the last tokens
    private int _read; // the number of these whose text was returned

    /// <summary>Creates a stream.</summary>
    /// <param name="tokenizer">The tokenizer of the tokens.</param>
    /// <param name="fromStart">Whether the tokens begin a new text rather than continuing one.</param>
    public TextStream(Tokenizer tokenizer, bool fromStart = true)
    {
        (_tokenizer, _dropSpace) = (tokenizer, fromStart && tokenizer.BeginsWithSpace);
        if (fromStart || !tokenizer.DecodesInContext)
            return;
        _tokens.Add(tokenizer.FirstOrdinary);
        _read = 1;
    }

    /// <summary>Creates a stream that shares the strings of tokens with other streams.</summary>
    internal TextStream(TokenTexts texts, bool fromStart) : this(texts.Tokenizer, fromStart) => _texts = texts;

    private TextStream(Tokenizer tokenizer, bool fromStart, bool keepsSurrogates) : this(tokenizer, fromStart) =>
        _keepsSurrogates = keepsSurrogates;

    /// <summary>Decodes the tokens of a whole text.</summary>
    /// <param name="tokenizer">The tokenizer of the tokens.</param>
    /// <param name="ids">The tokens.</param>
    /// <param name="keepsSurrogates">Whether to restore lone surrogates instead of replacing them.</param>
    internal static string Read(Tokenizer tokenizer, ReadOnlySpan<int> ids, bool keepsSurrogates)
    {
        if (tokenizer.DecodesInContext)
            return tokenizer.DecodeInContext(ids.ToArray());
        var stream = new TextStream(tokenizer, fromStart: true, keepsSurrogates);
        var text = new StringBuilder();
        foreach (int id in ids)
            text.Append(stream.Add(id));
        return text.Append(stream.Finish()).ToString();
    }

    /// <summary>Adds a token and returns the text that it completes, which may be empty.</summary>
    public string Add(int id)
    {
        if (_tokenizer.DecodesInContext)
        {
            _tokens.Add(id);
            return TakeTokens(final: false);
        }
        if (_held.Count == 0 && _texts?.Of(id) is { } text && !(_dropSpace && text[0] == ' '))
        {
            _dropSpace = false;
            return text;
        }
        _held.AddRange(_tokenizer.Bytes(id));
        return Take(final: false);
    }

    /// <summary>Returns the rest of the text at the end; incomplete bytes become U+FFFD.</summary>
    public string Finish() => _tokens.Count > 0 ? TakeTokens(final: true)
        : _held.Count == 0 ? "" : Take(final: true);

    // Decoding the tokens since the text returned last shows what the newest ones add to it.
    private string TakeTokens(bool final)
    {
        string before = _tokenizer.DecodeInContext(_tokens.Take(_read)), text = _tokenizer.DecodeInContext(_tokens);
        if (text.Length <= before.Length || (!final && text[^1] == WellFormed.Replacement))
            return "";
        _tokens.RemoveRange(0, _read);
        _read = _tokens.Count;
        return text[before.Length..];
    }

    private string Take(bool final)
    {
        _text.Clear();
        int at = 0;
        while (at < _held.Count)
        {
            int length = Wtf8.Decode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_held)[at..],
                out int scalar);
            if (length == 0 && !final)
                break; // the first bytes of a character, whose rest may follow
            if (length <= 0)
            {
                _text.Append(WellFormed.Replacement);
                // The bytes left at the end are one incomplete character.
                at = length == 0 ? _held.Count : at - length;
                continue;
            }
            if (_keepsSurrogates && scalar <= 0xFFFF)
                _text.Append((char)scalar);
            else
                WellFormed.Append(_text, scalar);
            at += length;
        }
        _held.RemoveRange(0, at);
        if (_dropSpace && _text.Length > 0)
        {
            _dropSpace = false;
            if (_text[0] == ' ')
                _text.Remove(0, 1);
        }
        return _text.ToString();
    }
}
