using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers.Patterns;

/// <summary>Reads the classes of characters in a regular expression.</summary>
internal sealed class ClassParser(string pattern)
{
    private const int DeepestNesting = 32;
    private int _depth;

    /// <summary>Reads a class in brackets, which begins at a place.</summary>
    public CharacterClass Read(ref int at)
    {
        if (++_depth > DeepestNesting)
            throw Wrong(at, "too many brackets in brackets");
        at++;
        bool isNegated = Is(at, '^');
        at += isNegated ? 1 : 0;
        CharacterClass? whole = null; // the classes before "&&"
        List<CharacterClass> parts = [];
        for (bool isFirst = true; isFirst || !Is(at, ']'); isFirst = false)
        {
            if (at >= pattern.Length)
                throw Wrong(at, "a '[' without a ']'");
            if (Is(at, '&') && Is(at + 1, '&'))
            {
                whole = Both(whole, parts);
                parts = [];
                at += 2;
                isFirst = true;
                continue;
            }
            parts.Add(Part(ref at));
        }
        at++;
        _depth--;
        whole = Both(whole, parts);
        return isNegated ? whole.Complement() : whole;
    }

    /// <summary>Reads an escape, which begins at a place.</summary>
    /// <param name="at">The place, which moves behind the escape.</param>
    /// <param name="character">The character, if the escape stands for one; otherwise -1.</param>
    public CharacterClass Escape(ref int at, out int character)
    {
        if (++at >= pattern.Length)
            throw Wrong(at, "a '\\' at its end");
        char letter = pattern[at++];
        character = -1;
        switch (letter)
        {
            case 's' or 'S':
                return Negated(CharacterClass.Space, letter == 'S');
            case 'd' or 'D':
                return Negated(CharacterClass.Digit, letter == 'D');
            case 'w' or 'W':
                return Negated(CharacterClass.Word, letter == 'W');
            case 'h' or 'H':
                return Negated(CharacterClass.Where(c => c < 128 && char.IsAsciiHexDigit((char)c)), letter == 'H');
            case 'p' or 'P':
                return Property(ref at, letter == 'P');
        }
        character = letter switch
        {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\f',
            'v' => '\v',
            'a' => '\a',
            'e' => 0x1B,
            'x' => Hexadecimal(ref at),
            'u' => Digits(ref at, 4),
            _ when char.IsAsciiLetterOrDigit(letter) => throw Wrong(at - 2, $"'\\{letter}', which is not supported,"),
            _ => letter,
        };
        return CharacterClass.Range(character, character);
    }

    private static CharacterClass Both(CharacterClass? first, List<CharacterClass> parts)
    {
        CharacterClass second = CharacterClass.Union(parts);
        return first is null ? second : first.Intersect(second);
    }

    private static CharacterClass Negated(CharacterClass characters, bool isNegated) =>
        isNegated ? characters.Complement() : characters;

    private CharacterClass Part(ref int at)
    {
        if (Is(at, '[') && Is(at + 1, ':'))
            return Posix(ref at);
        if (Is(at, '['))
            return Read(ref at);
        CharacterClass one = Single(ref at, out int first);
        if (first < 0 || !Is(at, '-') || Is(at + 1, ']') || at + 1 >= pattern.Length)
            return one;
        int dash = at++;
        _ = Single(ref at, out int last);
        return last >= first
            ? CharacterClass.Range(first, last)
            : throw Wrong(dash, "a range that ends before it begins");
    }

    private CharacterClass Single(ref int at, out int character)
    {
        if (Is(at, '\\'))
        {
            if (!Is(at + 1, 'b'))
                return Escape(ref at, out character);
            (at, character) = (at + 2, '\b');
            return CharacterClass.Range(character, character);
        }
        bool isWhole = Rune.DecodeFromUtf16(pattern.AsSpan(at), out Rune rune, out int used) == OperationStatus.Done;
        character = isWhole ? rune.Value : pattern[at];
        at += used;
        return CharacterClass.Range(character, character);
    }

    private CharacterClass Property(ref int at, bool isNegated)
    {
        int start = at, end = Is(at, '{') ? pattern.IndexOf('}', at) : -1;
        if (end < 0)
            throw Wrong(at, "a property without its name in braces");
        string name = pattern[(at + 1)..end];
        at = end + 1;
        if (name.StartsWith('^'))
            (name, isNegated) = (name[1..], !isNegated);
        CharacterClass found = UnicodeProperty.Find(name)
            ?? throw Wrong(start, $"the property '{name}', which is not supported,");
        return Negated(found, isNegated);
    }

    private CharacterClass Posix(ref int at)
    {
        int start = at, end = pattern.IndexOf(":]", at + 2, StringComparison.Ordinal);
        if (end < 0)
            throw Wrong(at, "a '[:' without a ':]'");
        string name = pattern[(at + 2)..end];
        at = end + 2;
        bool isNegated = name.StartsWith('^');
        CharacterClass found = UnicodeProperty.Posix(isNegated ? name[1..] : name)
            ?? throw Wrong(start, $"the class '{name}', which is not supported,");
        return Negated(found, isNegated);
    }

    private int Hexadecimal(ref int at)
    {
        if (!Is(at, '{'))
            return Digits(ref at, 2);
        int end = pattern.IndexOf('}', at);
        int length = end - at - 1;
        at++;
        int value = length is > 0 and <= 6 ? Digits(ref at, length) : throw Wrong(at, "a number without an end");
        at++;
        return value;
    }

    private int Digits(ref int at, int count)
    {
        if (at + count > pattern.Length || !int.TryParse(pattern.AsSpan(at, count), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out int value) || value > 0x10FFFF)
            throw Wrong(at, "a character without its number");
        at += count;
        return value;
    }

    private bool Is(int at, char character) => at < pattern.Length && pattern[at] == character;

    private AtelierException Wrong(int at, string what) =>
        new($"the regular expression '{pattern}' has {what} at character {at + 1}",
            hint: "use a model with a supported tokenizer: see docs/formats.md");
}
