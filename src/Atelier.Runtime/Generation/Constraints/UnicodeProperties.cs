using System.Globalization;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Finds the characters of Unicode properties: general categories, by the short and long names of the Unicode Standard.
/// </summary>
internal static class UnicodeProperties
{
    private const int LastCharacter = 0x10FFFF;

    // The short and the long names of each category (gc in PropertyValueAliases.txt).
    private static readonly (string Short, string[] Long)[] Groups =
    [
        ("L", ["Letter"]), ("M", ["Mark", "Combining_Mark"]), ("N", ["Number"]), ("P", ["Punctuation", "punct"]),
        ("S", ["Symbol"]), ("Z", ["Separator"]), ("C", ["Other"]), ("Lu", ["Uppercase_Letter"]),
        ("Ll", ["Lowercase_Letter"]), ("Lt", ["Titlecase_Letter"]), ("Lm", ["Modifier_Letter"]),
        ("Lo", ["Other_Letter"]), ("Mn", ["Nonspacing_Mark"]), ("Mc", ["Spacing_Mark"]), ("Me", ["Enclosing_Mark"]),
        ("Nd", ["Decimal_Number", "digit"]), ("Nl", ["Letter_Number"]), ("No", ["Other_Number"]),
        ("Zs", ["Space_Separator"]), ("Zl", ["Line_Separator"]), ("Zp", ["Paragraph_Separator"]),
        ("Cc", ["Control", "cntrl"]), ("Cf", ["Format"]), ("Cs", ["Surrogate"]), ("Co", ["Private_Use"]),
        ("Cn", ["Unassigned"]), ("Pc", ["Connector_Punctuation"]), ("Pd", ["Dash_Punctuation"]),
        ("Ps", ["Open_Punctuation"]), ("Pe", ["Close_Punctuation"]), ("Pi", ["Initial_Punctuation"]),
        ("Pf", ["Final_Punctuation"]), ("Po", ["Other_Punctuation"]), ("Sm", ["Math_Symbol"]),
        ("Sc", ["Currency_Symbol"]), ("Sk", ["Modifier_Symbol"]), ("So", ["Other_Symbol"]),
    ];

    /// <summary>Returns the characters with a property, or null if the name is unknown.</summary>
    /// <param name="name">"L", "Uppercase_Letter", "gc=Nd", "Any", "ASCII" or "Assigned".</param>
    public static CharacterSet? Find(string name)
    {
        foreach (string prefix in (string[])["General_Category=", "gc="])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                return Category(name[prefix.Length..]);
        }
        return name switch
        {
            "Any" => CharacterSet.All,
            "ASCII" => CharacterSet.Of((0, 0x7F)),
            "Assigned" => Category("Cn")!.Complement(),
            _ => Category(name),
        };
    }

    private static CharacterSet? Category(string name)
    {
        if (name is "LC" or "Cased_Letter")
            return Category("Lu")!.Union(Category("Ll")!).Union(Category("Lt")!);
        string? category = Array.Find(Groups, g => g.Short == name || g.Long.Contains(name)).Short;
        if (category is null)
            return null;
        var ranges = new List<(int, int)>();
        int first = -1;
        for (int character = 0; character <= LastCharacter + 1; character++)
        {
            string own = character > LastCharacter ? "" : Abbreviation(CharUnicodeInfo.GetUnicodeCategory(character));
            bool belongs = own.StartsWith(category, StringComparison.Ordinal);
            if (belongs && first < 0)
                first = character;
            if (belongs || first < 0)
                continue;
            ranges.Add((first, character - 1));
            first = -1;
        }
        return CharacterSet.Of(ranges);
    }

    private static string Abbreviation(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => "Lu",
        UnicodeCategory.LowercaseLetter => "Ll",
        UnicodeCategory.TitlecaseLetter => "Lt",
        UnicodeCategory.ModifierLetter => "Lm",
        UnicodeCategory.OtherLetter => "Lo",
        UnicodeCategory.NonSpacingMark => "Mn",
        UnicodeCategory.SpacingCombiningMark => "Mc",
        UnicodeCategory.EnclosingMark => "Me",
        UnicodeCategory.DecimalDigitNumber => "Nd",
        UnicodeCategory.LetterNumber => "Nl",
        UnicodeCategory.OtherNumber => "No",
        UnicodeCategory.SpaceSeparator => "Zs",
        UnicodeCategory.LineSeparator => "Zl",
        UnicodeCategory.ParagraphSeparator => "Zp",
        UnicodeCategory.Control => "Cc",
        UnicodeCategory.Format => "Cf",
        UnicodeCategory.Surrogate => "Cs",
        UnicodeCategory.PrivateUse => "Co",
        UnicodeCategory.ConnectorPunctuation => "Pc",
        UnicodeCategory.DashPunctuation => "Pd",
        UnicodeCategory.OpenPunctuation => "Ps",
        UnicodeCategory.ClosePunctuation => "Pe",
        UnicodeCategory.InitialQuotePunctuation => "Pi",
        UnicodeCategory.FinalQuotePunctuation => "Pf",
        UnicodeCategory.OtherPunctuation => "Po",
        UnicodeCategory.MathSymbol => "Sm",
        UnicodeCategory.CurrencySymbol => "Sc",
        UnicodeCategory.ModifierSymbol => "Sk",
        UnicodeCategory.OtherSymbol => "So",
        _ => "Cn",
    };
}
