using System.Text;

namespace Atelier.Tokenizers;

/// <summary>
/// The text of generated tokens, one token at a time. Bytes are held back until they form a whole character; what is no
/// character, including a lone surrogate in three bytes (WTF-8, Sapin 2018), becomes U+FFFD. All generated text goes
/// through here, so that it is valid in every file, report and stream.
/// </summary>
public sealed class TextStream
{
    private readonly Tokenizer _tokenizer;
    private readonly TokenTexts? _texts;
    private readonly bool _keepsSurrogates;
    private bool _dropSpace;
    private readonly List<byte> _held = [];
    private readonly StringBuilder _text = new();

    /// <summary>Begins a stream.</summary>
    /// <param name="tokenizer">Says which bytes a token stands for.</param>
    /// <param name="fromStart">Whether the tokens begin a text, and do not go on from one.</param>
    public TextStream(Tokenizer tokenizer, bool fromStart = true) =>
        (_tokenizer, _dropSpace) = (tokenizer, fromStart && tokenizer.BeginsWithSpace);

    /// <summary>Begins a stream whose strings are made once for many.</summary>
    internal TextStream(TokenTexts texts, bool fromStart) : this(texts.Tokenizer, fromStart) => _texts = texts;

    private TextStream(Tokenizer tokenizer, bool fromStart, bool keepsSurrogates) : this(tokenizer, fromStart) =>
        _keepsSurrogates = keepsSurrogates;

    /// <summary>The text of tokens that begin one.</summary>
    /// <param name="tokenizer">Says which bytes a token stands for.</param>
    /// <param name="ids">The tokens.</param>
    /// <param name="keepsSurrogates">Whether lone surrogates come back as they were encoded.</param>
    internal static string Read(Tokenizer tokenizer, ReadOnlySpan<int> ids, bool keepsSurrogates)
    {
        var stream = new TextStream(tokenizer, fromStart: true, keepsSurrogates);
        var text = new StringBuilder();
        foreach (int id in ids)
            text.Append(stream.Add(id));
        return text.Append(stream.Finish()).ToString();
    }

    /// <summary>The text that is complete with this token; may be empty.</summary>
    public string Add(int id)
    {
        if (_held.Count == 0 && !_dropSpace && _texts?.Of(id) is { } text)
            return text;
        _held.AddRange(_tokenizer.Bytes(id));
        return Take(final: false);
    }

    /// <summary>What is left: incomplete bytes as U+FFFD.</summary>
    public string Finish() => _held.Count == 0 ? "" : Take(final: true);

    private string Take(bool final)
    {
        _text.Clear();
        int at = 0;
        while (at < _held.Count)
        {
            int length = Wtf8.Decode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_held)[at..],
                out int scalar);
            if (length == 0 && !final)
                break; // a character's first bytes: the rest may come
            if (length <= 0)
            {
                _text.Append(WellFormed.Replacement);
                // what is incomplete at the end is one character that was cut
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
