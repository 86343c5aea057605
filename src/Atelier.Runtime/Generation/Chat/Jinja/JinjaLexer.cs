using System.Globalization;
using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>The kind of a token.</summary>
internal enum JinjaTokenKind
{
    /// <summary>A name or a keyword.</summary>
    Name,

    /// <summary>A string.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary>An operator or a bracket.</summary>
    Sign,

    /// <summary>The end of the code.</summary>
    End,
}

/// <summary>A token of an expression.</summary>
/// <param name="Kind">The kind of the token.</param>
/// <param name="Text">The text of the token; for a string, its value.</param>
internal readonly record struct JinjaToken(JinjaTokenKind Kind, string Text);

/// <summary>Splits the code inside a tag into tokens.</summary>
internal static class JinjaLexer
{
    private static readonly string[] Signs = ["==", "!=", "<=", ">=", "//", "(", ")", "[", "]", "{", "}", ",", ":", ".",
        "|", "+", "-", "*", "/", "%", "~", "<", ">", "="];

    public static List<JinjaToken> Cut(string code)
    {
        List<JinjaToken> tokens = [];
        for (int at = 0; at < code.Length;)
        {
            char first = code[at];
            int end = at + 1;
            if (char.IsWhiteSpace(first))
            {
                at = end;
                continue;
            }
            if (char.IsAsciiLetter(first) || first == '_')
            {
                while (end < code.Length && (char.IsAsciiLetterOrDigit(code[end]) || code[end] == '_'))
                    end++;
                tokens.Add(new(JinjaTokenKind.Name, code[at..end]));
            }
            else if (char.IsAsciiDigit(first))
            {
                while (end < code.Length && char.IsAsciiDigit(code[end]))
                    end++;
                if (end < code.Length && code[end] == '.' && end + 1 < code.Length && char.IsAsciiDigit(code[end + 1]))
                    throw new JinjaException("numbers that are not whole are not supported");
                tokens.Add(new(JinjaTokenKind.Number, code[at..end]));
            }
            else if (first is '\'' or '"')
            {
                tokens.Add(new(JinjaTokenKind.Text, Quoted(code, at, out end)));
            }
            else
            {
                string sign = Signs.FirstOrDefault(s => code.AsSpan(at).StartsWith(s, StringComparison.Ordinal))
                    ?? throw new JinjaException($"'{first}' is not supported");
                end = at + sign.Length;
                tokens.Add(new(JinjaTokenKind.Sign, sign));
            }
            at = end;
        }
        tokens.Add(new(JinjaTokenKind.End, ""));
        return tokens;
    }

    private static string Quoted(string code, int at, out int end)
    {
        var text = new StringBuilder();
        char quote = code[at];
        for (end = at + 1; end < code.Length && code[end] != quote; end++)
        {
            if (code[end] != '\\' || end + 1 == code.Length)
            {
                text.Append(code[end]);
                continue;
            }
            char escaped = code[++end];
            int digits = escaped switch { 'x' => 2, 'u' => 4, _ => 0 };
            if (digits > 0)
            {
                if (end + digits >= code.Length || !int.TryParse(code.AsSpan(end + 1, digits),
                    NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value))
                    throw new JinjaException("an escape is incomplete");
                text.Append((char)value);
                end += digits;
                continue;
            }
            text.Append(escaped switch
            {
                'n' => "\n",
                't' => "\t",
                'r' => "\r",
                '\\' => "\\",
                '\'' => "'",
                '"' => "\"",
                _ => $"\\{escaped}", // unknown escapes are kept, as in Python
            });
        }
        if (end >= code.Length)
            throw new JinjaException("a string is not closed");
        end++;
        return text.ToString();
    }
}
