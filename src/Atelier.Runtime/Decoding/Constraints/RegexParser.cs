using System.Globalization;

namespace Atelier.Decoding.Constraints;

/// <summary>
/// Reads regular expressions, in the common part of ECMAScript's and .NET's: characters, classes, groups, alternatives,
/// counted repetition, \d \w \s (of ASCII, as ECMA-262 has them) and \p{L}. What is no regular language (look-around, back
/// references) or means nothing here (word boundaries, atomic groups) is refused.
/// </summary>
internal sealed class RegexParser
{
    private const int DeepestGroup = 250;
    private const int MostRepeats = 100_000;

    private static readonly CharacterSet Digits = CharacterSet.Of(('0', '9'));
    private static readonly CharacterSet Words = CharacterSet.Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));
    private static readonly CharacterSet Spaces = CharacterSet.Of(('\t', '\r'), (' ', ' '));
    private static readonly CharacterSet LineEnds = CharacterSet.Of(('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029));

    private readonly string _pattern;
    private readonly bool _whole;
    private int _at;
    private int _depth;

    private RegexParser(string pattern, bool whole) => (_pattern, _whole) = (pattern, whole);

    /// <summary>Reads a pattern.</summary>
    /// <param name="pattern">The regular expression.</param>
    /// <param name="whole">Whether it tells the whole text; otherwise it may stand anywhere in it, where ^ and $ do not hold it.</param>
    /// <exception cref="AtelierException">The pattern has a mistake, or something that is refused.</exception>
    public static Expression Parse(string pattern, bool whole)
    {
        var parser = new RegexParser(pattern, whole);
        Expression expression = parser.Alternatives();
        return parser._at == pattern.Length ? expression : throw parser.Wrong("')' closes nothing", "take it away, or write \\)");
    }

    private bool More => _at < _pattern.Length;

    private Expression Alternatives()
    {
        if (++_depth > DeepestGroup)
            throw Wrong($"groups stand more than {DeepestGroup} deep", "write it flatter");
        var options = new List<Expression>();
        do
        {
            options.Add(Alternative(outermost: _depth == 1));
        }
        while (Take('|'));
        _depth--;
        return options.Count == 1 ? options[0] : new Choice(options);
    }

    private Sequence Alternative(bool outermost)
    {
        Expression anything = new Repetition(new Characters(CharacterSet.All), 0, null);
        var parts = new List<Expression>();
        bool fromStart = outermost && Take('^');
        if (outermost && !_whole && !fromStart)
            parts.Add(anything);
        bool toEnd = false;
        while (More && _pattern[_at] is not ('|' or ')'))
        {
            if (outermost && _pattern[_at] == '$' && (_at + 1 == _pattern.Length || _pattern[_at + 1] == '|'))
            {
                _at++;
                toEnd = true;
                break;
            }
            parts.Add(Repeated(Part()));
        }
        if (outermost && !_whole && !toEnd)
            parts.Add(anything);
        return new Sequence(parts);
    }

    private Expression Part()
    {
        char c = _pattern[_at++];
        switch (c)
        {
            case '(':
                Expression group = Group();
                return Take(')') ? group : throw Wrong("a group is not closed", "write )");
            case '[':
                return new Characters(Class());
            case '.':
                return new Characters(LineEnds.Complement());
            case '\\':
                return new Characters(Escape(inClass: false));
            case '*' or '+' or '?':
                throw Wrong($"'{c}' repeats nothing", $"write \\{c} for the character");
            case '^' or '$':
                throw Wrong($"'{c}' stands inside the pattern", "it may begin or end an outermost alternative");
            default:
                _at--;
                return new Characters(CharacterSet.Of(Scalar()));
        }
    }

    private Expression Group()
    {
        if (Take('?'))
        {
            if (Take('<') && More && _pattern[_at] is not ('=' or '!'))
                _at = _pattern.IndexOf('>', _at) is var end and >= 0 ? end + 1 : throw Wrong("a group's name is not closed", "write >");
            else if (!Take(':'))
                throw Wrong("only plain groups are read", "look-around, conditions and options inside a pattern are not regular or not read: write it without");
        }
        return Alternatives();
    }

    private Expression Repeated(Expression part)
    {
        if (!More)
            return part;
        (int least, int? most)? times = _pattern[_at] switch
        {
            '*' => (0, null),
            '+' => (1, null),
            '?' => (0, 1),
            '{' => Counts(),
            _ => null,
        };
        if (times is not (int least, var most))
            return part;
        if (_pattern[_at] != '{')
            _at++;
        else
            _at = _pattern.IndexOf('}', _at) + 1;
        Take('?'); // a lazy repetition is the same language
        if (More && _pattern[_at] is '*' or '+' or '?')
            throw Wrong($"'{_pattern[_at]}' repeats a repetition", "put it in a group");
        return new Repetition(part, least, most);
    }

    /// <summary>{n}, {n,} or {n,m}; null where the brace begins no count and stands for itself.</summary>
    private (int Least, int? Most)? Counts()
    {
        int end = _pattern.IndexOf('}', _at);
        if (end < 0)
            return null;
        string[] bounds = _pattern[(_at + 1)..end].Split(',');
        if (bounds.Length > 2 || bounds[0].Length == 0 || bounds.Any(b => b.Any(c => !char.IsAsciiDigit(c))))
            return null;
        int Bound(string digits) =>
            int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count <= MostRepeats
                ? count
                : throw Wrong($"it repeats {digits} times", $"{MostRepeats} times are allowed");
        int least = Bound(bounds[0]);
        int? most = bounds.Length == 1 ? least : bounds[1].Length == 0 ? null : Bound(bounds[1]);
        return most < least ? throw Wrong($"it repeats at least {least} and at most {most} times", "write the smaller number first") : (least, most);
    }

    private CharacterSet Class()
    {
        bool negated = Take('^');
        CharacterSet set = CharacterSet.None;
        bool first = true;
        while (More && (_pattern[_at] != ']' || first))
        {
            first = false;
            if (_pattern[_at] == '[' && _at > 0 && _pattern[_at - 1] == '-')
                throw Wrong("a class is taken from a class", "write out what is left");
            CharacterSet item = ClassItem();
            if (_at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] is not (']' or '['))
            {
                _at++;
                CharacterSet last = ClassItem();
                if (item.Ranges is not [(int from, int fromToo)] || last.Ranges is not [(int to, int toToo)] || from != fromToo || to != toToo)
                    throw Wrong("a range goes from one character to another", "write \\- for the character -");
                if (to < from)
                    throw Wrong("a range runs backwards", "write the smaller character first");
                item = CharacterSet.Of((from, to));
            }
            set = set.Union(item);
        }
        if (!Take(']'))
            throw Wrong("a class is not closed", "write ]");
        return negated ? set.Complement() : set;
    }

    private CharacterSet ClassItem() => Take('\\') ? Escape(inClass: true) : CharacterSet.Of(Scalar());

    private CharacterSet Escape(bool inClass)
    {
        if (!More)
            throw Wrong("it ends with \\", "write \\\\ for the character");
        char c = _pattern[_at++];
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
            case 'x': return CharacterSet.Of(Hexadecimal(2));
            case 'u': return CharacterSet.Of(Hexadecimal(4));
            case 'p': return Category();
            case 'P': return Category().Complement();
        }
        return char.IsAsciiLetterOrDigit(c)
            ? throw Wrong($"\\{c} is not read", "back references, word boundaries and other escapes are not regular or not read: write it without")
            : CharacterSet.Of(c);
    }

    private CharacterSet Category()
    {
        int end = Take('{') ? _pattern.IndexOf('}', _at) : -1;
        if (end < 0)
            throw Wrong("\\p has no category", "write for example \\p{L}");
        string name = _pattern[_at..end];
        _at = end + 1;
        return CharacterSet.OfCategory(name) ?? throw Wrong($"there is no category '{name}'", "general categories such as L, Lu or Nd are read");
    }

    private int Hexadecimal(int digits)
    {
        if (_at + digits > _pattern.Length ||
            !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value))
        {
            throw Wrong($"{digits} hexadecimal digits are due", "write for example \\x41 or \\u0041");
        }
        _at += digits;
        return value;
    }

    private int Scalar()
    {
        if (System.Text.Rune.DecodeFromUtf16(_pattern.AsSpan(_at), out System.Text.Rune rune, out int used) != System.Buffers.OperationStatus.Done)
            throw Wrong("half a surrogate pair is no character", "write the whole character");
        _at += used;
        return rune.Value;
    }

    private bool Take(char c)
    {
        if (!More || _pattern[_at] != c)
            return false;
        _at++;
        return true;
    }

    private AtelierException Wrong(string what, string hint) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{what}, at character {Math.Min(_at, _pattern.Length)}"), $"pattern '{_pattern}'", hint);
}
