using System.Globalization;
using System.Text;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Reads grammars in GBNF, the notation of llama.cpp: rules "name ::= …" of quoted texts, classes of characters,
/// references, groups, alternatives and repetitions. Texts match the rule "root".
/// </summary>
internal sealed class GbnfReader
{
    private const string Root = "root", Definition = "::=";
    private const int DeepestGroup = 250;
    private const int MostRules = 10_000;
    private const int MostRepeats = 100_000;

    private readonly string _text;
    private readonly List<Expression?> _rules = [];
    private readonly List<(string Name, int Line)> _names = []; // with the line where each is first named
    private readonly Dictionary<string, int> _numbers = [];
    private int _at;
    private int _depth;

    private GbnfReader(string text) => _text = text;

    /// <summary>Reads a grammar.</summary>
    /// <exception cref="AtelierException">The grammar is invalid, or a rule is missing.</exception>
    public static Grammar Read(string text)
    {
        var reader = new GbnfReader(text);
        reader.Number(Root);
        for (reader.SkipSpace(lines: true); reader.More; reader.SkipSpace(lines: true))
            reader.ReadRule();
        if (reader._rules[0] is null)
            throw new AtelierException($"there is no rule '{Root}'", hint: $"write {Root} {Definition} …");
        int missing = reader._rules.IndexOf(null);
        return missing < 0 ? new Grammar([.. reader._rules.Select(rule => rule!)])
            : throw new AtelierException($"line {reader._names[missing].Line}: there is no rule "
                + $"'{reader._names[missing].Name}'",
                hint: Spelling.Nearest(reader._names[missing].Name, reader.Defined()) is { } near
                    ? $"did you mean '{near}'?" : "define it");
    }

    private bool More => _at < _text.Length;

    private char Current => More ? _text[_at] : '\0';

    private IEnumerable<string> Defined() => _names.Index().Where(name => _rules[name.Index] is not null)
        .Select(name => name.Item.Name);

    private void ReadRule()
    {
        int rule = Number(Name("the name of a rule"));
        if (_rules[rule] is not null)
            throw Wrong($"the rule '{_names[rule].Name}' appears twice");
        SkipSpace();
        if (!_text.AsSpan(_at).StartsWith(Definition))
            throw Wrong($"{Found()} appears where {Definition} is expected");
        _at += Definition.Length;
        SkipSpace(lines: true);
        _rules[rule] = Alternatives(inGroup: false);
        if (More && Current is not ('\n' or '\r'))
            throw Wrong($"{Found()} appears where the rule should end");
    }

    /// <summary>Reads alternatives; in a group they may go on over the ends of lines.</summary>
    private Expression Alternatives(bool inGroup)
    {
        if (++_depth > DeepestGroup)
            throw Wrong($"groups are nested more than {DeepestGroup} deep");
        var options = new List<Expression>();
        while (true)
        {
            var parts = new List<Expression>();
            for (SkipSpace(inGroup); More && Current is not ('|' or ')' or '\n' or '\r'); SkipSpace(inGroup))
                parts.Add(Repeated(Item()));
            options.Add(new Sequence(parts));
            if (Current != '|')
                break;
            _at++;
            SkipSpace(lines: true);
        }
        _depth--;
        return options.Count == 1 ? options[0] : new Choice(options);
    }

    private Expression Item()
    {
        switch (Current)
        {
            case '"':
                _at++;
                var literal = new StringBuilder();
                while (Current != '"')
                    literal.Append(new Rune(Character("\"")).ToString());
                _at++;
                return Expression.Literal(literal.ToString());
            case '[':
                _at++;
                return new Characters(Class());
            case '.':
                _at++;
                return new Characters(CharacterSet.All);
            case '(':
                _at++;
                Expression group = Alternatives(inGroup: true);
                if (Current != ')')
                    throw Wrong(More ? $"{Found()} appears where ) is expected" : "a group is not closed");
                _at++;
                return group;
            case '<' or '!':
                throw Wrong("tokens by their names or numbers are not supported; write their text in quotes");
            default:
                return new RuleReference(Number(Name("an item")));
        }
    }

    /// <summary>Reads the repetitions after an item, each of what precedes it.</summary>
    private Expression Repeated(Expression item)
    {
        while (true)
        {
            switch (Current)
            {
                case '*':
                    item = new Repetition(item, 0, null);
                    break;
                case '+':
                    item = new Repetition(item, 1, null);
                    break;
                case '?':
                    item = Expression.Optional(item);
                    break;
                case '{':
                    item = Counted(item);
                    break;
                default:
                    return item;
            }
            _at++;
        }
    }

    /// <summary>Reads {m}, {m,} or {m,n} up to the closing brace.</summary>
    private Repetition Counted(Expression item)
    {
        int end = _text.IndexOf('}', _at);
        string[] bounds = end < 0 ? [] : _text[(_at + 1)..end].Split(',');
        int? Bound(string text) => int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture,
            out int count) && count <= MostRepeats ? count : null;
        if (bounds is not ([_] or [_, _]) || Bound(bounds[0]) is not int least)
            throw Wrong($"a repetition is {{m}}, {{m,}} or {{m,n}} of at most {MostRepeats}");
        int? most = bounds.Length == 1 ? least : bounds[1].Trim().Length == 0 ? null
            : Bound(bounds[1]) ?? throw Wrong($"a repetition is at most {MostRepeats} times");
        if (most < least)
            throw Wrong($"a repetition of {least} to {most} is impossible");
        _at = end;
        return new Repetition(item, least, most);
    }

    private CharacterSet Class()
    {
        bool isComplement = Current == '^';
        _at += isComplement ? 1 : 0;
        var ranges = new List<(int, int)>();
        while (Current != ']')
        {
            int first = Character("]"), last = first;
            if (Current == '-' && _at + 1 < _text.Length && _text[_at + 1] != ']')
            {
                _at++;
                last = Character("]");
            }
            ranges.Add(first <= last ? (first, last) : throw Wrong("a range of characters ends before it begins"));
        }
        _at++;
        CharacterSet set = CharacterSet.Of([.. ranges]);
        return isComplement ? set.Complement() : set;
    }

    /// <summary>Reads a character or its escape.</summary>
    private int Character(string end)
    {
        if (!More || Current is '\n' or '\r')
            throw Wrong($"{end} is missing at the end of the line");
        if (Current != '\\')
        {
            if (!Rune.TryGetRuneAt(_text, _at, out Rune rune))
                throw Wrong("there is half a surrogate pair");
            _at += rune.Utf16SequenceLength;
            return rune.Value;
        }
        char escaped = _at + 1 < _text.Length ? _text[_at + 1] : '\0';
        int digits = escaped switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            int from = _at + 2;
            if (from + digits > _text.Length || !uint.TryParse(_text.AsSpan(from, digits),
                NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value) || !Rune.IsValid(value))
                throw Wrong($"\\{escaped} needs {digits} hexadecimal digits of a character");
            _at = from + digits;
            return (int)value;
        }
        _at += 2;
        return escaped switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' or '"' or '[' or ']' or '-' or '^' => escaped,
            _ => throw Wrong($"the escape \\{escaped} is not known"),
        };
    }

    private string Name(string wanted)
    {
        int start = _at;
        while (char.IsAsciiLetterOrDigit(Current) || Current is '-' or '_')
            _at++;
        return _at > start ? _text[start.._at] : throw Wrong($"{Found()} appears where {wanted} is expected");
    }

    private int Number(string name)
    {
        if (_numbers.TryGetValue(name, out int number))
            return number;
        if (_numbers.Count == MostRules)
            throw Wrong($"there are more than {MostRules} rules");
        _numbers.Add(name, _rules.Count);
        _names.Add((name, Line()));
        _rules.Add(null);
        return _rules.Count - 1;
    }

    /// <summary>Skips spaces and comments, and on request the ends of lines.</summary>
    private void SkipSpace(bool lines = false)
    {
        while (More)
        {
            if (Current == '#')
                _at = _text.IndexOf('\n', _at) is >= 0 and int end ? end : _text.Length;
            else if (Current is ' ' or '\t' || (lines && Current is ('\n' or '\r')))
                _at++;
            else
                return;
        }
    }

    private int Line() => _text.AsSpan(0, Math.Min(_at, _text.Length)).Count('\n') + 1;

    private string Found() => More ? $"'{(Current is '\n' or '\r' ? "the end of the line" : Current)}'" : "the end";

    private AtelierException Wrong(string what) => new($"line {Line()}: {what}");
}
