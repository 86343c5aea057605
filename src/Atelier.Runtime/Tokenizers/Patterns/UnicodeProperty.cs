using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers.Patterns;

/// <summary>Finds the characters of the properties that regular expressions name.</summary>
internal static class UnicodeProperty
{
    // The two letters of each general category, in the order of UnicodeCategory.
    private static readonly string[] Categories =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
        "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private static readonly Dictionary<string, string> LongNames = new()
    {
        ["letter"] = "L", ["mark"] = "M", ["number"] = "N", ["punctuation"] = "P", ["symbol"] = "S",
        ["separator"] = "Z", ["other"] = "C", ["uppercaseletter"] = "Lu", ["lowercaseletter"] = "Ll",
        ["titlecaseletter"] = "Lt", ["modifierletter"] = "Lm", ["otherletter"] = "Lo", ["decimalnumber"] = "Nd",
        ["letternumber"] = "Nl", ["othernumber"] = "No", ["spaceseparator"] = "Zs", ["control"] = "Cc",
    };

    // The marks that are no part of the alphabet (Unicode 14), such as signs that silence a vowel: where they begin and
    // end among marks, as distances to the base of 36.
    private const string SilentMarks = """
        lc 1x 1 h6 4o 1 3q 2 9 3 2b 2u 1x 17 2 3 i 4n c 3 7 6 24 2 f 1 3 4 2v 2 f a 13 3 1n 2 f 4 2z 2 f l r 4 1n 2
        f 9 3b a 19 1m f 8 2v 2 f 8 2u 3 f a 37 5 3c 6 1 2r 9 1 d 5 23 2h h b 1l 2t c 1 1 2 ma qd 2 u 2 u 2q 2 j 58
        50 66 21 1 k 22 2 b 2w 1 f 1o 16 2 1m 1 b 1e j c0 e 357 ga nd6 8 y 2a 7m 4 5 x 2c 1w 1 r v 18 s c 19 1f 1 c
        11 62 18 b 6l 9 fn6 ki 12u 1c2 ks f6 56 1y 19 c 3 1j 9 35 i 1a d 1s e 2v 2 4y n 1n 3 f a f 5r d 1 3 2y i 6l
        g t 2r 1 3a 2v e 75 d 6v d 3 3 3y f 4 27 2 i a 1z bb g 2b 4w 1 1 3 28 9o f0d v3 45 c f59 1 3mq 3cw 8g 1lj 1
        """;

    private static readonly int[] Silent = ReadMarks();

    // Letters in circles, Roman numerals, ordinals and modifiers (Unicode's Other_Uppercase and Other_Lowercase).
    private static CharacterClass[] OtherUpper { get; } = Ranges(0x2160, 0x216F, 0x24B6, 0x24CF, 0x1F130, 0x1F149,
        0x1F150, 0x1F169, 0x1F170, 0x1F189);

    private static CharacterClass[] OtherLower { get; } = Ranges(0xAA, 0xAA, 0xBA, 0xBA, 0x2B0, 0x2B8, 0x2C0, 0x2C1,
        0x2E0, 0x2E4, 0x345, 0x345, 0x37A, 0x37A, 0x1D2C, 0x1D6A, 0x1D78, 0x1D78, 0x1D9B, 0x1DBF, 0x2071, 0x2071,
        0x207F, 0x207F, 0x2090, 0x209C, 0x2170, 0x217F, 0x24D0, 0x24E9, 0x2C7C, 0x2C7D, 0xA69C, 0xA69D, 0xA770, 0xA770,
        0xA7F8, 0xA7F9, 0xAB5C, 0xAB5F, 0x10780, 0x10780, 0x10783, 0x10785, 0x10787, 0x107B0, 0x107B2, 0x107BA);

    /// <summary>Punctuation and symbols, which Oniguruma counts to it.</summary>
    private static CharacterClass Punctuation { get; } = CharacterClass.Categories(
        UnicodeCategory.ConnectorPunctuation, UnicodeCategory.DashPunctuation, UnicodeCategory.OpenPunctuation,
        UnicodeCategory.ClosePunctuation, UnicodeCategory.InitialQuotePunctuation,
        UnicodeCategory.FinalQuotePunctuation, UnicodeCategory.OtherPunctuation, UnicodeCategory.MathSymbol,
        UnicodeCategory.CurrencySymbol, UnicodeCategory.ModifierSymbol, UnicodeCategory.OtherSymbol);

    /// <summary>The characters that are visible: neither white space nor control, surrogate or unassigned.</summary>
    private static CharacterClass Graph { get; } = CharacterClass.Union([CharacterClass.Space,
        CharacterClass.Categories(UnicodeCategory.Control, UnicodeCategory.Surrogate,
            UnicodeCategory.OtherNotAssigned)]).Complement();

    /// <summary>The property Alphabetic.</summary>
    private static CharacterClass Alphabetic { get; } = CharacterClass.Word.Intersect(CharacterClass.Union(
        [CharacterClass.Digit, CharacterClass.Categories(UnicodeCategory.ConnectorPunctuation),
            CharacterClass.Where(IsSilentMark)]).Complement());

    /// <summary>Returns the characters of a general category or a script; null for an unknown name.</summary>
    public static CharacterClass? Find(string name)
    {
        string plain = name.Replace("_", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal)
            .ToLowerInvariant();
        if (LongNames.TryGetValue(plain, out string? category))
            plain = category.ToLowerInvariant();
        UnicodeCategory[] own = [.. Categories.Index()
            .Where(one => one.Item.StartsWith(plain, StringComparison.OrdinalIgnoreCase))
            .Select(one => (UnicodeCategory)one.Index)];
        if (plain.Length is 1 or 2 && own.Length > 0)
            return CharacterClass.Categories(own);
        if (UnicodeScripts.Number(plain) is int script)
            return CharacterClass.Script(script);
        return plain switch
        {
            "any" => CharacterClass.All,
            "ascii" => CharacterClass.Range(0, 127),
            "whitespace" => CharacterClass.Space,
            "alphabetic" => Alphabetic,
            _ => Posix(plain),
        };
    }

    /// <summary>Returns the characters of a class such as "alpha" in "[:alpha:]"; null for an unknown name.</summary>
    public static CharacterClass? Posix(string name) => name switch
    {
        "alpha" => Alphabetic,
        "alnum" => CharacterClass.Union([Alphabetic, CharacterClass.Digit]),
        "digit" => CharacterClass.Digit,
        "word" => CharacterClass.Word,
        "upper" => CharacterClass.Union([CharacterClass.Categories(UnicodeCategory.UppercaseLetter), .. OtherUpper]),
        "lower" => CharacterClass.Union([CharacterClass.Categories(UnicodeCategory.LowercaseLetter), .. OtherLower]),
        "space" => CharacterClass.Space,
        "blank" => CharacterClass.Union(
            [CharacterClass.Range('\t', '\t'), CharacterClass.Categories(UnicodeCategory.SpaceSeparator)]),
        "cntrl" => CharacterClass.Categories(UnicodeCategory.Control),
        "punct" => Punctuation,
        "graph" => Graph,
        "print" => CharacterClass.Union([Graph, CharacterClass.Categories(UnicodeCategory.SpaceSeparator)]),
        "xdigit" => CharacterClass.Where(c => c < 128 && char.IsAsciiHexDigit((char)c)),
        _ => null,
    };

    private static CharacterClass[] Ranges(params int[] bounds) =>
        [.. bounds.Chunk(2).Select(range => CharacterClass.Range(range[0], range[1]))];

    private static bool IsSilentMark(int character)
    {
        if (CharUnicodeInfo.GetUnicodeCategory(character) is not (UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark))
            return false;
        int found = Array.BinarySearch(Silent, character);
        return ((found < 0 ? ~found - 1 : found) & 1) == 0; // the first, third … distance begins silent marks
    }

    private static int[] ReadMarks()
    {
        int at = 0;
        return [.. SilentMarks.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Select(distance => at += UnicodeScripts.Number36(distance))];
    }
}
