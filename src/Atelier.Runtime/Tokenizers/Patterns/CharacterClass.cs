using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers.Patterns;

/// <summary>A set of Unicode scalar values (and lone surrogates) in a regular expression.</summary>
internal sealed class CharacterClass
{
    private readonly Func<int, bool> _contains;
    private readonly bool[] _ascii = new bool[128];

    private CharacterClass(Func<int, bool> contains)
    {
        _contains = contains;
        for (int character = 0; character < _ascii.Length; character++)
            _ascii[character] = contains(character);
    }

    /// <summary>The white space of the Unicode Standard.</summary>
    public static CharacterClass Space { get; } = new(c => Rune.IsValid(c) && Rune.IsWhiteSpace(new Rune(c)));

    /// <summary>The decimal digits.</summary>
    public static CharacterClass Digit { get; } = Categories(UnicodeCategory.DecimalDigitNumber);

    /// <summary>The characters of words: letters, marks, digits and connectors.</summary>
    public static CharacterClass Word { get; } = new(c => IsLetter(c)
        || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.ConnectorPunctuation || IsCircledLetter(c));

    /// <summary>Every character except a line feed.</summary>
    public static CharacterClass NotLineFeed { get; } = Range('\n', '\n').Complement();

    /// <summary>Every character.</summary>
    public static CharacterClass All { get; } = new(_ => true);

    /// <summary>Returns the characters from one to another, both included.</summary>
    public static CharacterClass Range(int first, int last) => new(c => c >= first && c <= last);

    /// <summary>Returns the characters of some general categories.</summary>
    public static CharacterClass Categories(params UnicodeCategory[] categories)
    {
        int mask = categories.Aggregate(0, (sum, category) => sum | 1 << (int)category);
        return new(c => (mask >> (int)CharUnicodeInfo.GetUnicodeCategory(c) & 1) != 0);
    }

    /// <summary>Returns the characters of a script.</summary>
    public static CharacterClass Script(int script) => new(c => UnicodeScripts.Of(c) == script);

    /// <summary>Returns the characters that a test accepts.</summary>
    public static CharacterClass Where(Func<int, bool> test) => new(test);

    /// <summary>Returns the characters of several classes together.</summary>
    public static CharacterClass Union(IReadOnlyList<CharacterClass> parts) =>
        parts.Count == 1 ? parts[0] : new(c =>
        {
            foreach (CharacterClass part in parts)
            {
                if (part.Contains(c))
                    return true;
            }
            return false;
        });

    /// <summary>Returns the characters of both classes.</summary>
    public CharacterClass Intersect(CharacterClass other) => new(c => Contains(c) && other.Contains(c));

    /// <summary>Returns all other characters.</summary>
    public CharacterClass Complement() => new(c => !Contains(c));

    /// <summary>Returns the class regardless of upper and lower case.</summary>
    public CharacterClass IgnoringCase() => new(c => Contains(c) || Cases(c).Any(Contains));

    /// <summary>Returns whether a character belongs to the class.</summary>
    public bool Contains(int character) =>
        (uint)character < 128 ? _ascii[character] : _contains(character);

    // Simple case folding; three letters beyond ASCII fold to letters of ASCII or to each other.
    private static IEnumerable<int> Cases(int character)
    {
        if (!Rune.IsValid(character))
            return [];
        int folded = character switch { 0x17F => 's', 0x212A => 'k', 0x1E9E => 0xDF, _ => character };
        Rune rune = new(folded);
        int lower = Rune.ToLowerInvariant(rune).Value, upper = Rune.ToUpperInvariant(rune).Value;
        return lower switch
        {
            's' => [lower, upper, 0x17F],
            'k' => [lower, upper, 0x212A],
            _ => [lower, upper, folded],
        };
    }

    private static bool IsLetter(int character) => CharUnicodeInfo.GetUnicodeCategory(character) is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter;

    private static bool IsCircledLetter(int character) => character is (>= 0x24B6 and <= 0x24E9)
        or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
}
