using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Parses regular expressions of ECMA-262 with the u flag: characters are Unicode code points, and white space, words
/// and digits are those of the standard. Annex B syntax that the flag forbids (a lone ], { or }, \- outside a class) is
/// a literal, as without the flag. Patterns beyond regular languages (look-around, back references) and the syntax of
/// other dialects are refused by name.
/// </summary>
internal sealed class RegexParser
{
    private const int DeepestGroup = 250;
    private const int MostRepeats = 100_000;
    private const string SyntaxCharacters = "^$\\.*+?()[]{}|/";

    private static readonly CharacterSet Digits = CharacterSet.Of(('0', '9'));
    private static readonly CharacterSet Words = CharacterSet.Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));
    private static readonly CharacterSet LineEnds = CharacterSet.Of(('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029));

    // WhiteSpace and LineTerminator (ECMA-262, sections 12.2 and 12.3): tabs, spaces, line ends, the byte order mark.
    private static readonly CharacterSet Spaces = CharacterSet.Of(
        ('\t', '\r'), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
        (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF));

    private readonly string _pattern;
    private readonly HashSet<string> _names = [];
    private int _at;
    private int _depth;
    private string? _olderPart; // valid only without the u flag, with a hint what to write
    private string? _olderHint;
    private string? _newerPart; // syntax that is valid only with the u flag

    private RegexParser(string pattern) => _pattern = pattern;

    /// <summary>Parses a pattern.</summary>
    /// <param name="pattern">The regular expression.</param>
    /// <param name="whole">Whether the pattern must match the whole text rather than any part of it.</param>
    /// <exception cref="AtelierException">The pattern is invalid or uses unsupported syntax.</exception>
    public static Expression Parse(string pattern, bool whole)
    {
        var parser = new RegexParser(pattern);
        Expression expression = parser.Alternatives();
        if (parser.More)
            throw parser.Wrong("')' closes nothing", "write \\) for the character");
        if (parser._olderPart is { } older && parser._newerPart is { } newer)
            throw parser.Wrong($"'{older}' has a meaning only in patterns without {newer}", parser._olderHint!);
        Expression anything = new Repetition(new Characters(CharacterSet.All), 0, null);
        return Anchors.Remove(whole ? expression : Expression.Of(anything, expression, anything));
    }

    private bool More => _at < _pattern.Length;

    private Expression Alternatives()
    {
        if (++_depth > DeepestGroup)
            throw Wrong($"groups are nested more than {DeepestGroup} deep", "use fewer nested groups");
        var options = new List<Expression>();
        do
        {
            var parts = new List<Expression>();
            while (More && _pattern[_at] is not ('|' or ')'))
                parts.Add(Term());
            options.Add(new Sequence(parts));
        }
        while (Take('|'));
        _depth--;
        return options.Count == 1 ? options[0] : new Choice(options);
    }

    /// <summary>Parses a part with its repetition.</summary>
    private Expression Term()
    {
        int start = _at;
        Expression part = Atom();
        if (part is Anchor && BeginsRepetition())
            throw RepeatsNothing();
        if (!TryCounts(out int least, out int? most))
            return part;
        Take('?'); // a lazy repetition matches the same texts
        int end = _at;
        if (TryCounts(out _, out _))
        {
            throw Wrong($"'{_pattern[end]}' repeats a repetition",
                $"write (?:{_pattern[start..end]}){_pattern[end.._at]}");
        }
        return new Repetition(part, least, most);
    }

    private Expression Atom()
    {
        char c = _pattern[_at];
        if (BeginsRepetition())
            throw RepeatsNothing();
        switch (c)
        {
            case '(':
                _at++;
                Expression group = Group();
                return Take(')')
                    ? group
                    : throw Wrong("a group is not closed", "write ) at its end, or \\( for the character");
            case '[':
                _at++;
                return new Characters(Class());
            case '.':
                _at++;
                return new Characters(LineEnds.Complement());
            case '^' or '$':
                _at++;
                return new Anchor(AtEnd: c == '$');
            case '\\':
                _at++;
                return new Characters(Escape(inClass: false));
            case ']' or '{' or '}':
                Older(c.ToString(), $"write \\{c} for the character");
                break;
        }
        return new Characters(CharacterSet.Of(Scalar()));
    }

    private Expression Group()
    {
        if (!Take('?'))
            return Alternatives();
        if (Take(':'))
            return Alternatives();
        string rest = _pattern[_at..];
        if (rest is ['=' or '!', ..] or ['<', '=' or '!', ..])
            throw Wrong("look-around is not supported", "write the possible texts as alternatives");
        if (!Take('<'))
        {
            throw rest switch
            {
                ['P', '<', ..] => Wrong("a group is named in Python's form", "write (?<name>…)"),
                ['#', ..] => Wrong("the pattern contains a comment", "leave it out"),
                ['>', ..] => Wrong(
                    "atomic groups are not supported", "write alternatives that exclude one another in a group (?:…)"),
                _ => Wrong("inline options are not supported",
                    "write what they mean: [aA] for an a of either case, [^] for any character, line ends too"),
            };
        }
        int end = _pattern.IndexOf('>', _at);
        if (end < 0)
            throw Wrong("a group's name is not closed", "write >");
        string name = _pattern[_at..end];
        if (name is [] or [>= '0' and <= '9', ..] || !name.All(c => char.IsLetterOrDigit(c) || c is '_' or '$'))
            throw Wrong($"'{name}' is no group name", "use letters, digits and _, not a digit first");
        if (!_names.Add(name))
            throw Wrong($"two groups have the name '{name}'", "give each its own, or none: (?:…)");
        _at = end + 1;
        return Alternatives();
    }

    /// <summary>Returns whether a repetition begins here.</summary>
    private bool BeginsRepetition()
    {
        int from = _at;
        bool begins = TryCounts(out _, out _);
        _at = from;
        return begins;
    }

    /// <summary>Reads *, +, ?, {n}, {n,} or {n,m}. A brace that does not begin a repetition is a literal.</summary>
    private bool TryCounts(out int least, out int? most)
    {
        (least, most) = (0, null);
        char c = More ? _pattern[_at] : '\0';
        if (c is '*' or '+' or '?')
        {
            _at++;
            (least, most) = (c == '+' ? 1 : 0, c == '?' ? 1 : null);
            return true;
        }
        int end = c == '{' ? _pattern.IndexOf('}', _at) : -1;
        if (end < 0)
            return false;
        string[] bounds = _pattern[(_at + 1)..end].Split(',');
        if (bounds.Length > 2 || bounds[0].Length == 0 || bounds.Any(b => b.Any(digit => !char.IsAsciiDigit(digit))))
            return false;
        least = Bound(bounds[0]);
        most = bounds.Length == 1 ? least : bounds[1].Length == 0 ? null : Bound(bounds[1]);
        if (most < least)
            throw Wrong($"it repeats at least {least} and at most {most} times", "write the smaller number first");
        _at = end + 1;
        return true;

        int Bound(string digits) =>
            int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count <= MostRepeats
                ? count
                : throw Wrong($"it repeats {digits} times", $"allowed: {MostRepeats} times");
    }

    /// <summary>Parses a class after its [. The class [] matches no character, [^] matches all.</summary>
    private CharacterSet Class()
    {
        bool negated = Take('^'), afterDash = false;
        CharacterSet set = CharacterSet.None;
        while (!Take(']'))
        {
            if (!More)
                throw Wrong("a class is not closed", "write ] at its end; inside a class \\] is the character");
            if (_pattern[_at] == '[' && afterDash)
            {
                throw Wrong("classes cannot be subtracted",
                    "write \\[ for the character, or the characters that are left");
            }
            afterDash = _pattern[_at] == '-';
            CharacterSet item = ClassItem();
            if (_at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] is not (']' or '['))
            {
                _at++;
                CharacterSet last = ClassItem();
                if (item.Ranges is not [(int from, int fromToo)] || last.Ranges is not [(int to, int toToo)]
                    || from != fromToo || to != toToo)
                    throw Wrong("a range goes from one character to another", "write \\- for the character -");
                if (to < from)
                    throw Wrong("a range is in reverse order", "write the smaller character first");
                (item, afterDash) = (CharacterSet.Of((from, to)), false);
            }
            set = set.Union(item);
        }
        return negated ? set.Complement() : set;
    }

    private CharacterSet ClassItem() => Take('\\') ? Escape(inClass: true) : CharacterSet.Of(Scalar());

    private CharacterSet Escape(bool inClass)
    {
        if (!More)
            throw Wrong("it ends with \\", "write \\\\ for the character");
        char c = _pattern[_at];
        if (!char.IsAsciiLetterOrDigit(c))
        {
            if (!SyntaxCharacters.Contains(c, StringComparison.Ordinal) && !(inClass && c == '-'))
                Older($"\\{c}", $"write {c} without \\");
            return CharacterSet.Of(Scalar());
        }
        _at++;
        switch (c)
        {
            case 'd': return Digits;
            case 'D': return Digits.Complement();
            case 'w': return Words;
            case 'W': return Words.Complement();
            case 's': return Spaces;
            case 'S': return Spaces.Complement();
            case 'n': return CharacterSet.Of('\n');
            case 'r': return CharacterSet.Of('\r');
            case 't': return CharacterSet.Of('\t');
            case 'f': return CharacterSet.Of('\f');
            case 'v': return CharacterSet.Of('\v');
            case 'b' when inClass: return CharacterSet.Of('\b');
            case 'c' when More && char.IsAsciiLetter(_pattern[_at]): return CharacterSet.Of(_pattern[_at++] % 32);
            case '0' when !More || !char.IsAsciiDigit(_pattern[_at]): return CharacterSet.Of('\0');
            case 'x': return CharacterSet.Of(Hexadecimal(2));
            case 'u': return CharacterSet.Of(CodePoint());
            case 'p': return Property();
            case 'P': return Property().Complement();
        }
        throw Wrong($"\\{c} is not supported", RegexHints.ForEscape(c, inClass));
    }

    /// <summary>Parses a category after \p.</summary>
    private CharacterSet Property()
    {
        int end = Take('{') ? _pattern.IndexOf('}', _at) : -1;
        if (end < 0)
            throw Wrong("\\p has no category", "write for example \\p{L}");
        string name = _pattern[_at..end];
        _at = end + 1;
        _newerPart ??= $"\\p{{{name}}}";
        return UnicodeProperties.Find(name)
            ?? throw Wrong($"there is no category '{name}'",
                "supported are general categories such as L or Decimal_Number; write others as [\\u0370-\\u03ff]");
    }

    /// <summary>Parses a code point after \u: four digits, twice for a surrogate pair, or a number in braces.</summary>
    private int CodePoint()
    {
        if (Take('{'))
        {
            int end = _pattern.IndexOf('}', _at);
            string digits = end < 0 ? "" : _pattern[_at..end].TrimStart('0').PadLeft(1, '0');
            bool isNumber =
                int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int given);
            if (end <= _at || !isNumber || digits.Length > 6 || given > 0x10FFFF)
            {
                throw Wrong("the hexadecimal number of a character is expected",
                    "write for example \\u{1f600}, at most \\u{10ffff}");
            }
            _at = end + 1;
            _newerPart ??= $"\\u{{{digits}}}";
            return Rune.IsValid(given) ? given : throw HalfCharacter();
        }
        int value = Hexadecimal(4);
        if (!char.IsSurrogate((char)value))
            return value;
        if (char.IsHighSurrogate((char)value) && _pattern.AsSpan(_at).StartsWith("\\u", StringComparison.Ordinal))
        {
            _at += 2;
            int low = Hexadecimal(4);
            if (char.IsLowSurrogate((char)low))
                return char.ConvertToUtf32((char)value, (char)low);
        }
        throw HalfCharacter();
    }

    private int Hexadecimal(int digits)
    {
        if (_at + digits > _pattern.Length || !_pattern.Skip(_at).Take(digits).All(char.IsAsciiHexDigit))
            throw Wrong($"{digits} hexadecimal digits are expected", "write for example \\x41 or \\u0041");
        _at += digits;
        return Convert.ToInt32(_pattern[(_at - digits).._at], 16);
    }

    private int Scalar()
    {
        if (Rune.DecodeFromUtf16(_pattern.AsSpan(_at), out Rune rune, out int used) != OperationStatus.Done)
            throw HalfCharacter();
        _at += used;
        return rune.Value;
    }

    private void Older(string part, string hint)
    {
        if (_olderPart is null)
            (_olderPart, _olderHint) = (part, hint);
    }

    private bool Take(char c)
    {
        if (!More || _pattern[_at] != c)
            return false;
        _at++;
        return true;
    }

    private AtelierException RepeatsNothing() =>
        Wrong($"'{_pattern[_at]}' repeats nothing", $"write \\{_pattern[_at]} for the character");

    private AtelierException HalfCharacter() =>
        Wrong("half a surrogate pair is not a character", "write the whole character, or its number as \\u{1f600}");

    private AtelierException Wrong(string what, string hint) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{what}, at character {Math.Min(_at, _pattern.Length)}"),
            $"pattern '{_pattern}'", hint);
}
