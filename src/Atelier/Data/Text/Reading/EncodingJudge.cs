using System.Text;

namespace Atelier.Data.Text.Reading;

/// <summary>
/// Detects the encoding of bytes by how probable the decoded text is. Encodings in which the bytes are invalid are
/// excluded; the others are compared by the log-likelihood of the decoded characters under each language that uses the
/// encoding (Li and Momoi, "A composite approach to language/encoding detection", 2001, do so with character
/// frequencies).
/// </summary>
internal static class EncodingJudge
{
    private const double UndecidedNats = 4; // an encoding is certain if it is e⁴ times as probable as the next

    // If the mean log-probability of the non-ASCII characters is below this, they are not text of a language.
    private const double LeastPerLetter = -4.8, LeastPerCharacter = -10.5;

    private const double AsciiLog = -3.4; // log-probability of a printable ASCII character: about 30 are common
    private const double RareAsciiLog = -12; // control characters
    private const double RareLog = -14; // a character that does not occur in texts of the language
    private const double StrangeNeighbourLog = -4; // two adjacent letters that do not occur together in words

    private static readonly (string Name, int CodePage, WritingSystem[] Languages)[] Candidates =
    [
        ("GB18030", 54936, [WritingSystem.Simplified]),
        ("Big5", 950, [WritingSystem.Traditional]),
        ("Shift-JIS", 932, [WritingSystem.Japanese]),
        ("EUC-JP", 51932, [WritingSystem.Japanese]),
        ("EUC-KR", 949, [WritingSystem.Korean]),
        ("windows-1252", 1252, [.. WritingSystem.Western]),
        ("windows-1250", 1250, [.. WritingSystem.CentralEuropean]),
        ("windows-1251", 1251, [WritingSystem.Russian]),
        ("KOI8-R", 20866, [WritingSystem.Russian]),
        ("windows-1253", 1253, [WritingSystem.Greek]),
        ("windows-1254", 1254, [WritingSystem.Turkish]),
        ("UTF-16 LE", 1200,
            [WritingSystem.Simplified, WritingSystem.Traditional, WritingSystem.Japanese, WritingSystem.Korean]),
        ("UTF-16 BE", 1201,
            [WritingSystem.Simplified, WritingSystem.Traditional, WritingSystem.Japanese, WritingSystem.Korean]),
    ];

    /// <summary>The names of the encodings that can be detected.</summary>
    public static IEnumerable<string> Names => Candidates.Select(candidate => candidate.Name);

    /// <summary>Returns the encoding under which the bytes are the most probable text.</summary>
    /// <param name="sample">Bytes that are not valid UTF-8 and of which none is zero; the last character may be
    /// incomplete.</param>
    /// <returns>The name of the encoding, and of the second most probable one if the decision is uncertain; null if no
    /// encoding yields text.</returns>
    public static (string Name, string? OrElse)? Judge(ReadOnlySpan<byte> sample)
    {
        var judged = new List<(string Name, string Text, double Log)>();
        foreach ((string name, int codePage, WritingSystem[] languages) in Candidates)
        {
            if (Decode(sample, codePage) is not { } text)
                continue;
            double best = languages.Max(language => LogLikelihood(text, language, codePage));
            int above = text.Count(c => c > 127);
            double ascii = text.Sum(c => c > 127 ? 0 : Ascii(c));
            double least = languages[0].HasWordsOfLetters ? LeastPerLetter : LeastPerCharacter;
            if (above > 0 && best - ascii >= least * above)
                judged.Add((name, text, best));
        }
        if (judged.Count == 0)
            return null;
        // Encodings that decode the bytes to the same text count as one: the first in the list.
        judged = [.. judged.OrderByDescending(j => j.Log).DistinctBy(j => j.Text)];
        string? orElse = judged.Count > 1 && judged[0].Log - judged[1].Log < UndecidedNats ? judged[1].Name : null;
        return (judged[0].Name, orElse);
    }

    private static string? Decode(ReadOnlySpan<byte> sample, int codePage)
    {
        Decoder decoder = TextEncoding.Strict(codePage).GetDecoder();
        var characters = new char[sample.Length + 1];
        try
        {
            return new string(characters, 0, decoder.GetChars(sample, characters, flush: false));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>
    /// Computes the log-likelihood of a text in a language, in nats. The frequent characters have probabilities by
    /// Zipf's law over their ranks; the other common characters of the encoding share most of the rest equally.
    /// </summary>
    private static double LogLikelihood(string text, WritingSystem language, int codePage)
    {
        var logs = new Dictionary<char, double>();
        double zipf = 0;
        for (int rank = 1; rank <= language.Frequent.Length; rank++)
            zipf += 1.0 / (rank + Flattening(language));
        for (int i = 0; i < language.Frequent.Length; i++)
            logs.TryAdd(language.Frequent[i], Math.Log(language.Share / zipf / (i + 1 + Flattening(language))));
        Encoding encoding = TextEncoding.Strict(codePage);
        double sum = 0;
        char before = ' ';
        foreach (char c in text)
        {
            if (c <= 127)
            {
                sum += Ascii(c);
            }
            else
            {
                if (!logs.TryGetValue(c, out double log))
                    logs.Add(c, log = RestLog(c, language, encoding));
                sum += log;
            }
            if (language.HasWordsOfLetters ? IsStrange(before, c) : IsStuck(before, c))
                sum += StrangeNeighbourLog;
            before = c;
        }
        return sum;
    }

    // The frequency of letters falls faster with their rank than that of ideographs, of which there are thousands.
    private static double Flattening(WritingSystem language) => language.HasWordsOfLetters ? 1 : 12;

    private static double Ascii(char c) => c is >= ' ' and <= '~' or '\n' or '\r' or '\t' ? AsciiLog : RareAsciiLog;

    private static double RestLog(char c, WritingSystem language, Encoding encoding)
    {
        double rest = 1 - language.Share;
        if (language.HasWordsOfLetters)
            return char.IsLetter(c) || char.IsPunctuation(c) ? Math.Log(rest / 2 / 60) : RareLog;
        if (char.IsControl(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.PrivateUse)
            return RareLog;
        return CommonCount(c, language, encoding) is { } count ? Math.Log(0.9 * rest / count) : RareLog;
    }

    /// <summary>
    /// Returns the approximate number of characters of the same class (punctuation, kana, ideographs of the first
    /// level, …); null for a class that is uncommon in the language.
    /// </summary>
    private static int? CommonCount(char c, WritingSystem language, Encoding encoding)
    {
        if (c is >= '\u3000' and <= '\u3020' or >= '\uFF01' and <= '\uFF5E' or >= '\u2010' and <= '\u2030' or '·')
            return 600; // punctuation and wide letters
        if (language == WritingSystem.Korean)
            return c is >= '\uAC00' and <= '\uD7A3' ? IsOfTwoHighBytes(c, encoding) ? 2100 : null : null;
        if (c is >= '\u3041' and <= '\u30FE')
            return language == WritingSystem.Japanese ? 100 : null;
        if (c is < '\u4E00' or > '\u9FFF')
            return null;
        return IsOfFirstLevel(c, encoding) ? 3400 : 60_000;
    }

    /// <summary>
    /// Returns whether a Korean syllable is one of the 2,350 of KS X 1001. The other syllables of Unicode are rarely
    /// used.
    /// </summary>
    private static bool IsOfTwoHighBytes(char c, Encoding encoding)
    {
        byte[]? bytes = Bytes(c, encoding.CodePage is 1200 or 1201 ? TextEncoding.Strict(949) : encoding);
        return bytes is [>= 0xA1, >= 0xA1];
    }

    /// <summary>Returns whether an ideograph belongs to the first, frequent level of its character set.</summary>
    private static bool IsOfFirstLevel(char c, Encoding encoding) => encoding.CodePage switch
    {
        950 => Bytes(c, encoding) is [>= 0xA4 and <= 0xC6, _],
        932 => Bytes(c, encoding) is [>= 0x88 and <= 0x98, _],
        51932 => Bytes(c, encoding) is [>= 0xB0 and <= 0xCF, _],
        54936 => Bytes(c, encoding) is [>= 0xB0 and <= 0xD7, >= 0xA1],
        _ => Bytes(c, TextEncoding.Strict(54936)) is [>= 0xB0 and <= 0xD7, >= 0xA1],
    };

    private static byte[]? Bytes(char c, Encoding encoding)
    {
        try
        {
            return encoding.GetBytes([c]);
        }
        catch (EncoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>
    /// Returns whether two adjacent characters do not occur together in words: letters of two alphabets, two accented
    /// Latin letters, or a capital letter after a small one.
    /// </summary>
    private static bool IsStrange(char a, char b)
    {
        if (!char.IsLetter(a) || !char.IsLetter(b))
            return false;
        bool isLatinA = a < '\u0250', isLatinB = b < '\u0250';
        return isLatinA != isLatinB || (char.IsLower(a) && char.IsUpper(b)) || (isLatinA && a > 127 && b > 127);
    }

    /// <summary>
    /// Returns whether a small Latin letter and an ideograph are adjacent. This is frequent when text in an alphabet is
    /// wrongly decoded, so that two letters become one ideograph.
    /// </summary>
    private static bool IsStuck(char a, char b) =>
        (char.IsAsciiLetterLower(a) && b is >= '\u4E00' and <= '\u9FFF')
        || (char.IsAsciiLetterLower(b) && a is >= '\u4E00' and <= '\u9FFF');
}
