using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers.Patterns;

/// <summary>Reads a regular expression in Oniguruma's syntax for Ruby.</summary>
internal sealed class PatternParser(string pattern)
{
    private const int DeepestNesting = 64, MostRepeats = 100_000;
    private readonly ClassParser _classes = new(pattern);
    private int _at;
    private int _depth;
    private bool _ignoresCase, _dotMatchesLineFeed;

    /// <summary>Returns the parts of the expression.</summary>
    /// <exception cref="AtelierException">It has a mistake or an unsupported part.</exception>
    public PatternNode Parse()
    {
        PatternNode node = Choice();
        return _at == pattern.Length ? node : throw Wrong("a ')' without a '('");
    }

    private PatternNode Choice()
    {
        if (++_depth > DeepestNesting)
            throw Wrong("too many groups in groups");
        (bool ignoredCase, bool matchedLineFeed) = (_ignoresCase, _dotMatchesLineFeed);
        List<PatternNode> parts = [Sequence()];
        while (Take('|'))
            parts.Add(Sequence());
        (_ignoresCase, _dotMatchesLineFeed) = (ignoredCase, matchedLineFeed);
        _depth--;
        return parts.Count == 1 ? parts[0] : new ChoiceNode(parts);
    }

    private SequenceNode Sequence()
    {
        List<PatternNode> parts = [];
        while (_at < pattern.Length && pattern[_at] is not ('|' or ')'))
        {
            if (Atom() is { } atom)
                parts.Add(Repeated(atom));
        }
        return new SequenceNode(parts);
    }

    /// <summary>Reads one part; null for one that matches nothing, such as a comment.</summary>
    private PatternNode? Atom()
    {
        switch (pattern[_at])
        {
            case '(':
                return Group();
            case '[':
                return One(_classes.Read(ref _at));
            case '.':
                _at++;
                return new CharacterNode(_dotMatchesLineFeed ? CharacterClass.All : CharacterClass.NotLineFeed);
            case '^':
                _at++;
                return new EdgeNode(PatternEdge.LineStart);
            case '$':
                _at++;
                return new EdgeNode(PatternEdge.LineEnd);
            case '*' or '+' or '?':
                throw Wrong($"a '{pattern[_at]}' with nothing before it");
            case '\\':
                return Escape();
            default:
                _ = Rune.DecodeFromUtf16(pattern.AsSpan(_at), out Rune rune, out int used);
                int character = used == 1 ? pattern[_at] : rune.Value;
                _at += used;
                return One(CharacterClass.Range(character, character));
        }
    }

    private PatternNode Escape()
    {
        PatternEdge? edge = _at + 1 == pattern.Length ? throw Wrong("a '\\' at its end") : pattern[_at + 1] switch
        {
            'A' => PatternEdge.TextStart,
            'z' => PatternEdge.TextEnd,
            'Z' => PatternEdge.LastLineEnd,
            'b' => PatternEdge.Word,
            'B' => PatternEdge.NotWord,
            _ => null,
        };
        if (edge is null)
            return One(_classes.Escape(ref _at, out _));
        _at += 2;
        return new EdgeNode(edge.Value);
    }

    private CharacterNode One(CharacterClass characters) =>
        new(_ignoresCase ? characters.IgnoringCase() : characters);

    private PatternNode? Group()
    {
        _at++;
        if (!Take('?'))
            return Closed(Choice());
        if (Take(':'))
            return Closed(Choice());
        if (Take('='))
            return new LookNode(Closed(Choice()), false, false);
        if (Take('!'))
            return new LookNode(Closed(Choice()), false, true);
        if (Take('>'))
            return new AtomicNode(Closed(Choice()));
        if (Take("<="))
            return new LookNode(Closed(Choice()), true, false);
        if (Take("<!"))
            return new LookNode(Closed(Choice()), true, true);
        if (Take('#'))
        {
            int end = pattern.IndexOf(')', _at);
            _at = end < 0 ? throw Wrong("a comment without an end") : end + 1;
            return null;
        }
        if (Take('<'))
        {
            int end = pattern.IndexOf('>', _at);
            _at = end < 0 ? throw Wrong("a name without an end") : end + 1;
            return Closed(Choice());
        }
        return Options();
    }

    /// <summary>Reads "(?i:…)", or "(?i)", which holds to the end of the group around it.</summary>
    private PatternNode? Options()
    {
        bool isOn = true;
        (bool ignoredCase, bool matchedLineFeed) = (_ignoresCase, _dotMatchesLineFeed);
        for (; _at < pattern.Length && pattern[_at] is not (':' or ')'); _at++)
        {
            switch (pattern[_at])
            {
                case '-':
                    isOn = false;
                    break;
                case 'i':
                    _ignoresCase = isOn;
                    break;
                case 'm':
                    _dotMatchesLineFeed = isOn;
                    break;
                default:
                    throw Wrong($"the group '(?{pattern[_at]}', which is not supported");
            }
        }
        if (Take(')'))
            return new SequenceNode([Choice()]);
        if (!Take(':'))
            throw Wrong("a group without an end");
        PatternNode node = Closed(Choice());
        (_ignoresCase, _dotMatchesLineFeed) = (ignoredCase, matchedLineFeed);
        return node;
    }

    private PatternNode Closed(PatternNode node) => Take(')') ? node : throw Wrong("a '(' without a ')'");

    private PatternNode Repeated(PatternNode node)
    {
        while (_at < pattern.Length)
        {
            (int Least, int Most)? times = pattern[_at] switch
            {
                '*' => (0, -1),
                '+' => (1, -1),
                '?' => (0, 1),
                '{' => Braces(),
                _ => null,
            };
            if (times is not (int least, int most))
                return node;
            bool isBraces = pattern[_at] == '{';
            _at = isBraces ? pattern.IndexOf('}', _at) + 1 : _at + 1;
            if (isBraces && least == most && Take('?')) // "a{2}?" is "(?:a{2})?" in Ruby
            {
                node = new RepeatNode(new RepeatNode(node, least, most, RepeatKind.Greedy), 0, 1, RepeatKind.Greedy);
                continue;
            }
            RepeatKind kind = Take('?') ? RepeatKind.Lazy
                : !isBraces && Take('+') ? RepeatKind.Possessive : RepeatKind.Greedy;
            node = new RepeatNode(node, least, most, kind);
        }
        return node;
    }

    /// <summary>Reads "{2}", "{2,}", "{,3}" or "{2,3}"; null for other text, whose brace is a character.</summary>
    private (int Least, int Most)? Braces()
    {
        int end = pattern.IndexOf('}', _at);
        string[] numbers = end < 0 ? [] : pattern[(_at + 1)..end].Split(',');
        int least = 0, most = -1;
        bool isCount = numbers.Length is 1 or 2 && numbers.Any(number => number.Length > 0)
            && (numbers[0].Length == 0 && numbers.Length == 2 || IsNumber(numbers[0], out least))
            && (numbers.Length == 1 || numbers[1].Length == 0 || IsNumber(numbers[1], out most));
        if (!isCount)
            return null;
        if (numbers.Length == 1)
            most = least;
        if (least > MostRepeats || most > MostRepeats || (most >= 0 && most < least))
            throw Wrong($"the number '{pattern[_at..(end + 1)]}'");
        return (least, most);
    }

    private static bool IsNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private bool Take(char character)
    {
        bool has = _at < pattern.Length && pattern[_at] == character;
        _at += has ? 1 : 0;
        return has;
    }

    private bool Take(string text)
    {
        bool has = string.CompareOrdinal(pattern, _at, text, 0, text.Length) == 0;
        _at += has ? text.Length : 0;
        return has;
    }

    private AtelierException Wrong(string what) =>
        new($"the regular expression '{pattern}' has {what} at character {_at + 1}",
            hint: "use a model with a supported tokenizer: see docs/formats.md");
}
