using System.Text;

namespace Atelier.Data.Text.Reading;

/// <summary>Encodings that use only ASCII bytes, with escape sequences that switch to another character set.</summary>
internal static class EscapedEncodings
{
    /// <summary>The name of HZ (RFC 1843).</summary>
    public const string Hz = "HZ";

    private const string Iso2022Jp = "ISO-2022-JP";
    private const int Gb2312 = 936;
    private const double FrequentShare = 0.5; // of the characters of a Chinese text; of random pairs, a few per cent

    /// <summary>Returns the encoding whose escape sequences the bytes contain, or null.</summary>
    /// <param name="sample">The start of a file that is valid UTF-8 and has no zero bytes.</param>
    public static string? Find(ReadOnlySpan<byte> sample)
    {
        if (sample.ContainsAnyExceptInRange((byte)1, (byte)126))
            return null;
        if (sample.IndexOf("\e$B"u8) >= 0 || sample.IndexOf("\e$@"u8) >= 0) // RFC 1468
            return Iso2022Jp;
        string chinese = ChineseOf(sample);
        return chinese.Length > 1 && chinese.Count(WritingSystem.IsFrequent) >= FrequentShare * chinese.Length ? Hz
            : null;
    }

    /// <summary>Returns the characters between ~{ and ~}: pairs of bytes of GB 2312 without their high bits.</summary>
    private static string ChineseOf(ReadOnlySpan<byte> sample)
    {
        var text = new StringBuilder();
        for (int start = sample.IndexOf("~{"u8); start >= 0; start = sample.IndexOf("~{"u8))
        {
            sample = sample[(start + 2)..];
            int length = sample.IndexOf("~}"u8);
            if (length <= 0 || length % 2 != 0 || sample[..length].ContainsAnyExceptInRange((byte)0x21, (byte)0x7E))
                continue;
            byte[] pairs = [.. sample[..length].ToArray().Select(b => (byte)(b | 0x80))];
            text.Append(CodePagesEncodingProvider.Instance.GetEncoding(Gb2312)!.GetString(pairs));
        }
        return text.ToString();
    }
}
