namespace Atelier.Generation.Constraints;

/// <summary>Hints that name an equivalent for the syntax of other regular expression dialects.</summary>
internal static class RegexHints
{
    /// <summary>Returns what to write instead of an unsupported escape.</summary>
    /// <param name="escape">The character after the backslash.</param>
    /// <param name="inClass">Whether the escape is inside a character class.</param>
    public static string ForEscape(char escape, bool inClass) => escape switch
    {
        'b' or 'B' => "write the characters that stand there: \\W before or after a word",
        'k' or (>= '1' and <= '9') when !inClass => "write the texts as alternatives: (?:aa|bb) for ([ab])\\1",
        >= '0' and <= '9' => "write the character as \\x and two hexadecimal digits",
        'A' => "write ^ for the beginning of the text",
        'z' => "write $ for the end of the text",
        'Z' => "write $ for the end of the text, \\n?$ where a line end may come before it",
        'c' => "write \\\\c for the two characters, or \\c and a letter",
        'e' => "write \\x1b",
        'a' => "write \\x07",
        'h' => "write [\\t\\p{Zs}]",
        'R' => "write (?:\\r\\n|[\\n-\\r\\x85\\u2028\\u2029])",
        _ => "ECMA-262 gives it no meaning: write the characters that it stands for",
    };
}
