using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Data.Text.Reading;

/// <summary>
/// The encoding of a text file. All readers of text (plain text, tables, JSON lines, CoNLL-U, Bayesian networks) detect
/// it with this type.
/// </summary>
/// <param name="Name">The name to show to the user: "UTF-8", "UTF-8 with BOM", "GB18030", "Shift-JIS" …</param>
/// <param name="Encoding">The encoding, which throws on invalid bytes.</param>
/// <param name="MarkLength">The number of bytes in the byte order mark; 0 if there is none.</param>
/// <param name="OrElse">The second most probable encoding if the detection is uncertain; otherwise null.</param>
internal sealed record TextEncoding(string Name, Encoding Encoding, int MarkLength, string? OrElse = null)
{
    private const int SampleSize = 1 << 16;

    private static readonly Encoding Utf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);

    // Names that data.encoding accepts in addition to those that .NET knows.
    private static readonly Dictionary<string, int> CodePages = new(StringComparer.OrdinalIgnoreCase)
    {
        ["utf-8"] = 65001, ["utf8"] = 65001, ["utf-16"] = 1200, ["utf-16 le"] = 1200, ["utf-16 be"] = 1201,
        ["gb18030"] = 54936, ["gbk"] = 54936, ["gb2312"] = 54936, ["cp936"] = 54936, ["big5"] = 950, ["cp950"] = 950,
        ["shift-jis"] = 932, ["shift_jis"] = 932, ["sjis"] = 932, ["cp932"] = 932, ["windows-31j"] = 932,
            ["euc-jp"] = 51932,
        ["euc-kr"] = 949, ["cp949"] = 949, ["latin1"] = 28591, ["iso-8859-1"] = 28591, ["latin-1"] = 28591,
        [EscapedEncodings.Hz] = 52936, ["hz-gb-2312"] = 52936,
        ["cp1250"] = 1250, ["cp1251"] = 1251, ["cp1252"] = 1252, ["cp1253"] = 1253, ["cp1254"] = 1254,
    };

    /// <summary>
    /// Detects the encoding of a stream, reading it to the end if needed: by a byte order mark if there is one; else
    /// UTF-8 if all bytes are valid and none is zero; else UTF-16 without a mark; else the encoding under which the
    /// bytes are the most probable text.
    /// </summary>
    /// <exception cref="AtelierException">No encoding matches; usually the file is not text.</exception>
    public static TextEncoding Detect(Stream stream, string where)
    {
        var sample = new byte[SampleSize];
        int count = stream.ReadAtLeast(sample, SampleSize, throwOnEndOfStream: false);
        ReadOnlySpan<byte> start = sample.AsSpan(0, count);
        if (Marked(start) is { } marked)
            return marked;

        (long invalid, long zero, byte[] around) = ScanUtf8(start, stream);
        if (invalid < 0 && zero < 0)
            return EscapedEncodings.Find(start) is { } escaped ? Named(escaped, null) : new("UTF-8", Utf8, 0);
        if (start.Contains((byte)0))
        {
            int little = UsualCharacters(start, Strict(1200)), big = UsualCharacters(start, Strict(1201));
            if (Math.Max(little, big) >= 0)
                return big > little ? new("UTF-16 BE", Strict(1201), 0) : new("UTF-16 LE", Strict(1200), 0);
        }
        if (zero >= 0)
            throw new AtelierException($"is not text: byte {zero} is zero", where, "provide a text file");
        string hint = $"convert it to UTF-8, name its encoding with {Mention.Field("data.encoding")}, or remove it if "
            + "it is not text";
        if (IsMostlyUtf8(around))
            throw new AtelierException($"byte {invalid} is not valid UTF-8, unlike the text around it",
                where, hint);
        if (EncodingJudge.Judge(around) is { } judged)
            return Named(judged.Name, judged.OrElse);
        throw new AtelierException(
            $"byte {invalid} is not valid UTF-8, and no other encoding was detected",
            where, hint);
    }

    /// <summary>
    /// Returns the encoding with a name from a recipe, without detection. A matching byte order mark is skipped.
    /// </summary>
    /// <exception cref="AtelierException">The name is unknown.</exception>
    public static TextEncoding Of(string name, Stream stream)
    {
        TextEncoding named = Named(name, null);
        var start = new byte[4];
        int count = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return Marked(start.AsSpan(0, count)) is { } marked && marked.Encoding.CodePage == named.Encoding.CodePage
            ? marked : named;
    }

    /// <summary>Returns an encoding that throws on invalid bytes and on characters that it cannot represent.</summary>
    public static Encoding Strict(int codePage) => codePage switch
    {
        65001 => Utf8,
        1200 or 1201 => new UnicodeEncoding(codePage == 1201, byteOrderMark: false, throwOnInvalidBytes: true),
        12000 or 12001 => new UTF32Encoding(codePage == 12001, byteOrderMark: false, throwOnInvalidCharacters: true),
        _ => CodePagesEncodingProvider.Instance.GetEncoding(codePage, EncoderFallback.ExceptionFallback,
            DecoderFallback.ExceptionFallback)
            ?? Encoding.GetEncoding(codePage, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback),
    };

    private static TextEncoding Named(string name, string? orElse)
    {
        if (CodePages.TryGetValue(name, out int codePage))
            return new(name, Strict(codePage), 0, orElse);
        try
        {
            Encoding known = CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
            return new(name, Strict(known.CodePage), 0, orElse);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new AtelierException($"there is no encoding '{name}'", Mention.Field("data.encoding"),
                $"supported are, among others, UTF-8, {string.Join(", ", EncodingJudge.Names)}", e);
        }
    }

    private static TextEncoding? Marked(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith<byte>([0xEF, 0xBB, 0xBF]))
            return new("UTF-8 with BOM", Utf8, 3);
        if (start.StartsWith<byte>([0xFF, 0xFE, 0, 0]))
            return new("UTF-32 LE with BOM", Strict(12000), 4);
        if (start.StartsWith<byte>([0, 0, 0xFE, 0xFF]))
            return new("UTF-32 BE with BOM", Strict(12001), 4);
        if (start.StartsWith<byte>([0xFF, 0xFE]))
            return new("UTF-16 LE with BOM", Strict(1200), 2);
        return start.StartsWith<byte>([0xFE, 0xFF]) ? new("UTF-16 BE with BOM", Strict(1201), 2) : null;
    }

    /// <summary>
    /// Returns the position of the first byte that is not valid UTF-8 or of the first zero byte, whichever ends the
    /// scan (-1 for none), and the bytes around the invalid one.
    /// </summary>
    private static (long Invalid, long Zero, byte[] Around) ScanUtf8(ReadOnlySpan<byte> start, Stream rest)
    {
        long offset = 0;
        var buffer = new byte[SampleSize + 4];
        start.CopyTo(buffer);
        int count = start.Length;
        while (count > 0)
        {
            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, count);
            int zero = bytes.IndexOf((byte)0);
            if (zero >= 0)
                return (-1, offset + zero, []);
            int valid = ValidPrefix(bytes, out bool incomplete);
            if (valid < count && !incomplete)
                return (offset + valid, -1, Around(bytes, valid, rest));
            // An incomplete character at the end of the buffer is kept until the following bytes are read.
            byte[] before = incomplete ? bytes.ToArray() : [];
            bytes[valid..].CopyTo(buffer);
            int left = count - valid;
            offset += valid;
            int read = rest.ReadAtLeast(buffer.AsSpan(left, SampleSize), SampleSize, throwOnEndOfStream: false);
            if (read == 0)
                return left > 0 ? (offset, -1, before) : (-1, -1, []);
            count = left + read;
        }
        return (-1, -1, []);
    }

    /// <summary>
    /// Returns bytes on both sides of an invalid one. They start after a line end if possible, because a line end is
    /// not part of a longer character in any encoding but UTF-16.
    /// </summary>
    private static byte[] Around(ReadOnlySpan<byte> bytes, int at, Stream rest)
    {
        int before = Math.Max(0, at - (SampleSize / 4));
        int begin = before == 0 ? 0 : before + 1 + bytes[before..at].IndexOf((byte)'\n');
        var around = new byte[SampleSize];
        ReadOnlySpan<byte> buffered = bytes[begin..];
        int count = Math.Min(buffered.Length, SampleSize);
        buffered[..count].CopyTo(around);
        count += rest.ReadAtLeast(around.AsSpan(count), SampleSize - count, throwOnEndOfStream: false);
        int zero = around.AsSpan(0, count).IndexOf((byte)0);
        return around[..(zero < 0 ? count : zero)];
    }

    /// <summary>
    /// Returns whether most non-ASCII bytes belong to complete UTF-8 characters, which does not happen in other
    /// encodings.
    /// </summary>
    private static bool IsMostlyUtf8(ReadOnlySpan<byte> bytes)
    {
        int whole = 0, all = 0;
        while (!bytes.IsEmpty)
        {
            bool isWhole = Rune.DecodeFromUtf8(bytes, out _, out int length) == OperationStatus.Done;
            int above = bytes[0] < 0x80 ? 0 : length;
            whole += isWhole ? above : 0;
            all += above;
            bytes = bytes[length..];
        }
        return whole >= 4 && whole > 0.75 * all;
    }

    private static int ValidPrefix(ReadOnlySpan<byte> bytes, out bool incomplete)
    {
        incomplete = false;
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return bytes.Length;
        int valid = 0;
        while (valid < bytes.Length)
        {
            OperationStatus status = Rune.DecodeFromUtf8(bytes[valid..], out _, out int consumed);
            if (status != OperationStatus.Done)
            {
                incomplete = status == OperationStatus.NeedMoreData;
                return valid;
            }
            valid += consumed;
        }
        return valid;
    }

    /// <summary>
    /// How many characters of the sample are ASCII or frequent in some language, of which there are more in the right
    /// order of bytes than in the other; -1 where not nearly all characters are ones that texts are made of.
    /// </summary>
    private static int UsualCharacters(ReadOnlySpan<byte> sample, Encoding encoding)
    {
        sample = sample[..(sample.Length & ~1)];
        // A surrogate pair may be cut at the end of the sample: the decoder then holds back its first half.
        var characters = new char[sample.Length];
        int count;
        try
        {
            count = encoding.GetDecoder().GetChars(sample, characters, flush: false);
        }
        catch (DecoderFallbackException)
        {
            return -1;
        }
        int ofTexts = 0, usual = 0;
        foreach (char c in characters.AsSpan(0, count))
        {
            if (c is '\t' or '\n' or '\r' || char.IsSurrogate(c) || IsOfTexts(char.GetUnicodeCategory(c)))
                ofTexts++;
            if (char.IsAscii(c) || WritingSystem.IsFrequent(c))
                usual++;
        }
        return count > 0 && ofTexts >= 0.97 * count ? usual : -1;
    }

    private static bool IsOfTexts(UnicodeCategory category) => category is not (UnicodeCategory.Control
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Format);
}
