using System.Globalization;
using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// Splits a template into tokens, with the settings of Hugging Face's tools: trim_blocks removes the line end after a
/// statement tag or a comment, lstrip_blocks the spaces before it. A minus sign in a tag removes all space beside it.
/// </summary>
/// <param name="template">The template, with \n as its line end.</param>
internal sealed class JinjaLexer(string template)
{
    private static readonly string[] Signs = ["==", "!=", "<=", ">=", "//", "**", "(", ")", "[", "]", "{", "}", ",",
        ":", ".", "|", "+", "-", "*", "/", "%", "~", "<", ">", "="];

    private readonly List<JinjaToken> _tokens = [];
    private int _at;
    private int _line = 1;
    private int _counted; // the position up to which lines are counted

    /// <summary>Returns the tokens of a template; the last one is the end.</summary>
    /// <exception cref="JinjaException">A tag or a string is not closed, or a character has no meaning.</exception>
    public static List<JinjaToken> Cut(string template)
    {
        template = template.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var lexer = new JinjaLexer(template.EndsWith('\n') ? template[..^1] : template);
        try
        {
            lexer.Cut();
        }
        catch (JinjaException e)
        {
            throw e.At(lexer.Line());
        }
        return lexer._tokens;
    }

    private void Cut()
    {
        bool startsLine = true;
        while (_at < template.Length)
        {
            int tag = NextTag(_at), stop = tag < 0 ? template.Length : tag;
            char kind = tag < 0 ? '\0' : template[tag + 1];
            char sign = tag >= 0 && tag + 2 < template.Length && template[tag + 2] is '-' or '+' ? template[tag + 2]
                : '\0';
            Data(stop, kind, sign, startsLine);
            if (tag < 0)
                break;
            _at = tag + (sign == '\0' ? 2 : 3);
            switch (kind)
            {
                case '#':
                    int end = template.IndexOf("#}", _at, StringComparison.Ordinal);
                    if (end < 0)
                        throw new JinjaException("a comment is not closed");
                    bool strips = template[end - 1] == '-' && end > _at, keeps = template[end - 1] == '+' && end > _at;
                    _at = end + 2;
                    AfterTag(strips, !keeps);
                    break;
                case '{':
                    Add(JinjaTokenKind.OutputStart, "{{");
                    Inside("}}", JinjaTokenKind.OutputEnd);
                    break;
                default:
                    if (Raw())
                        break;
                    Add(JinjaTokenKind.BlockStart, "{%");
                    Inside("%}", JinjaTokenKind.BlockEnd);
                    break;
            }
            startsLine = template[_at - 1] == '\n';
        }
        _at = template.Length;
        Add(JinjaTokenKind.End, "");
    }

    private void Data(int stop, char kind, char sign, bool startsLine)
    {
        ReadOnlySpan<char> text = template.AsSpan(_at, stop - _at);
        if (sign == '-')
        {
            text = text.TrimEnd();
        }
        else if (kind is '%' or '#' && sign != '+')
        {
            int line = text.LastIndexOf('\n') + 1;
            if ((line > 0 || startsLine) && text[line..].IsWhiteSpace())
                text = text[..line];
        }
        if (!text.IsEmpty)
            Add(JinjaTokenKind.Data, text.ToString());
    }

    /// <summary>Reads a raw block, if one begins here, as plain text.</summary>
    private bool Raw()
    {
        if (Word(_at, "raw") is not int begin || Close(begin) is not int start)
            return false;
        (_at, int from) = (start, start);
        if (template[start - 3] == '-')
            from = Blank(start);
        for (int at = from; (at = template.IndexOf("{%", at, StringComparison.Ordinal)) >= 0; at += 2)
        {
            char sign = at + 2 < template.Length ? template[at + 2] : '\0';
            if (Word(at + (sign is '-' or '+' ? 3 : 2), "endraw") is int word && Close(word) is int end)
            {
                _at = from;
                Data(at, '%', sign, startsLine: false);
                _at = end;
                AfterTag(template[end - 3] == '-', template[end - 3] != '+');
                return true;
            }
        }
        throw new JinjaException("'endraw' is missing");

        int? Word(int at, string word)
        {
            at = Blank(at);
            return template.AsSpan(at).StartsWith(word, StringComparison.Ordinal) ? at + word.Length : null;
        }

        int? Close(int at)
        {
            at = Blank(at);
            at += at < template.Length && template[at] is '-' or '+' ? 1 : 0;
            return template.AsSpan(at).StartsWith("%}", StringComparison.Ordinal) ? at + 2 : null;
        }
    }

    private int Blank(int at)
    {
        while (at < template.Length && char.IsWhiteSpace(template[at]))
            at++;
        return at;
    }

    private void AfterTag(bool strips, bool dropsLineEnd)
    {
        if (strips)
            _at = Blank(_at);
        else if (dropsLineEnd && _at < template.Length && template[_at] == '\n')
            _at++;
    }

    private int NextTag(int at)
    {
        int last = template.Length - 1;
        int tag = template.IndexOf('{', at);
        for (; tag >= 0 && tag < last; tag = template.IndexOf('{', tag + 1))
        {
            if (template[tag + 1] is '{' or '%' or '#')
                return tag;
        }
        return -1;
    }

    /// <summary>Reads the tokens of a tag up to its closing mark, which counts only outside brackets.</summary>
    private void Inside(string close, JinjaTokenKind kind)
    {
        var brackets = new Stack<char>();
        while (true)
        {
            _at = Blank(_at);
            if (_at >= template.Length)
                throw new JinjaException("a tag is not closed");
            char first = template[_at];
            if (brackets.Count == 0)
            {
                bool isBlock = kind == JinjaTokenKind.BlockEnd;
                int signs = first == '-' || (first == '+' && isBlock) ? 1 : 0;
                if (template.AsSpan(_at + signs).StartsWith(close, StringComparison.Ordinal))
                {
                    Add(kind, close);
                    _at += signs + 2;
                    AfterTag(signs == 1 && first == '-', isBlock && signs == 0);
                    return;
                }
            }
            int end = _at + 1;
            if (char.IsLetter(first) || first == '_')
            {
                while (end < template.Length && (char.IsLetterOrDigit(template[end]) || template[end] == '_'))
                    end++;
                Add(JinjaTokenKind.Name, template[_at..end]);
            }
            else if (char.IsAsciiDigit(first))
            {
                end = Number();
            }
            else if (first is '\'' or '"')
            {
                string text = Quoted(out end);
                Add(JinjaTokenKind.Text, text);
            }
            else
            {
                string sign = Signs.FirstOrDefault(s => template.AsSpan(_at).StartsWith(s, StringComparison.Ordinal))
                    ?? throw new JinjaException($"the character '{first}' is not supported");
                end = _at + sign.Length;
                if (first is '(' or '[' or '{')
                    brackets.Push(first == '(' ? ')' : first == '[' ? ']' : '}');
                else if (first is ')' or ']' or '}' && (brackets.Count == 0 || brackets.Pop() != first))
                    throw new JinjaException($"'{first}' closes no bracket");
                Add(JinjaTokenKind.Sign, sign);
            }
            _at = end;
        }
    }

    private int Number()
    {
        int end = Digits(_at);
        bool isFloat = end + 1 < template.Length && template[end] == '.' && char.IsAsciiDigit(template[end + 1])
            && !(_tokens[^1] is { Kind: JinjaTokenKind.Sign, Text: "." });
        if (isFloat)
            end = Digits(end + 1);
        if (end < template.Length && template[end] is 'e' or 'E')
        {
            int digits = end + 1 < template.Length && template[end + 1] is '+' or '-' ? end + 2 : end + 1;
            if (digits < template.Length && char.IsAsciiDigit(template[digits]))
                (end, isFloat) = (Digits(digits), true);
        }
        Add(isFloat ? JinjaTokenKind.Float : JinjaTokenKind.Integer,
            template[_at..end].Replace("_", "", StringComparison.Ordinal));
        return end;

        int Digits(int at)
        {
            while (at < template.Length && (char.IsAsciiDigit(template[at])
                || (template[at] == '_' && at + 1 < template.Length && char.IsAsciiDigit(template[at + 1]))))
                at++;
            return at;
        }
    }

    private string Quoted(out int end)
    {
        var text = new StringBuilder();
        char quote = template[_at];
        for (end = _at + 1; end < template.Length && template[end] != quote; end++)
        {
            if (template[end] != '\\' || end + 1 == template.Length)
            {
                text.Append(template[end]);
                continue;
            }
            char escaped = template[++end];
            int digits = escaped switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits > 0)
            {
                if (end + digits >= template.Length || !int.TryParse(template.AsSpan(end + 1, digits),
                    NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) || value > 0x10FFFF
                    || value < 0)
                    throw new JinjaException($"\\{escaped} needs {digits} hexadecimal digits of a character");
                text.Append(value < 0x10000 ? ((char)value).ToString() : char.ConvertFromUtf32(value));
                end += digits;
                continue;
            }
            if (escaped is >= '0' and <= '7')
            {
                int value = 0, last = Math.Min(end + 3, template.Length);
                for (; end < last && template[end] is >= '0' and <= '7'; end++)
                    value = (value * 8) + template[end] - '0';
                text.Append((char)value);
                end--;
                continue;
            }
            text.Append(escaped switch
            {
                'n' => "\n",
                't' => "\t",
                'r' => "\r",
                'a' => "\a",
                'b' => "\b",
                'f' => "\f",
                'v' => "\v",
                '\n' => "",
                '\\' or '\'' or '"' => escaped.ToString(),
                _ => $"\\{escaped}",
            });
        }
        if (end >= template.Length)
            throw new JinjaException("a string is not closed");
        end++;
        return text.ToString();
    }

    private void Add(JinjaTokenKind kind, string text) => _tokens.Add(new JinjaToken(kind, text, Line()));

    private int Line()
    {
        int to = Math.Min(_at, template.Length);
        if (to > _counted)
        {
            _line += template.AsSpan(_counted, to - _counted).Count('\n');
            _counted = to;
        }
        return _line;
    }
}
