using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Data.Text.Reading;

/// <summary>
/// The encoding of a file. It is detected here for every reader of text: plain text, tables, JSON lines, CoNLL-U,
/// networks.
/// </summary>
/// <param name="Name">For the user: "UTF-8", "UTF-8 with BOM", "GB18030", "Shift-JIS" …</param>
/// <param name="Encoding">Decodes it, throwing on bytes that it does not allow.</param>
/// <param name="MarkLength">Bytes of the byte order mark.</param>
/// <param name="OrElse">The encoding that it might as well be; null where there is no doubt.</param>
internal sealed record TextEncoding(string Name, Encoding Encoding, int MarkLength, string? OrElse = null)
{
    private const int SampleSize = 1 << 16;

    private static readonly Encoding Utf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);

    // Names that data.encoding may have beside those that .NET knows.
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
    /// Reads the stream to its end where it must: a byte order mark decides; then UTF-8, if every byte bears it out and
    /// none is zero; then UTF-16 without a mark; then by what text each encoding makes of the bytes.
    /// </summary>
    /// <exception cref="AtelierException">It is none of them; a file of something else than text, as a
    /// rule.</exception>
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
        return EncodingJudge.Judge(around) is { } judged ? Named(judged.Name, judged.OrElse)
            : throw new AtelierException(
            $"byte {invalid} is not valid UTF-8, and no other encoding was detected",
                where, hint);
    }

    /// <summary>The encoding named in a recipe, whatever the file looks like; its byte order mark is skipped.</summary>
    /// <exception cref="AtelierException">There is no such encoding.</exception>
    public static TextEncoding Of(string name, Stream stream)
    {
        TextEncoding asked = Named(name, null);
        var start = new byte[4];
        int count = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return Marked(start.AsSpan(0, count)) is { } marked && marked.Encoding.CodePage == asked.Encoding.CodePage
            ? marked : asked;
    }

    /// <summary>An encoding that throws on bytes and characters that it does not allow.</summary>
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
    /// The positions of the first byte that is not UTF-8 and of the first zero byte, -1 for none; and bytes from before
    /// the first that is not UTF-8.
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
            // An incomplete character at the end of the buffer waits for the bytes that follow.
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
    /// Bytes on both sides of one that is not UTF-8. They begin after a line end where there is one, which cannot be
    /// half of a character in any encoding but UTF-16.
    /// </summary>
    private static byte[] Around(ReadOnlySpan<byte> bytes, int at, Stream rest)
    {
        int before = Math.Max(0, at - (SampleSize / 4));
        int begin = before == 0 ? 0 : before + 1 + bytes[before..at].IndexOf((byte)'\n');
        var around = new byte[SampleSize];
        ReadOnlySpan<byte> held = bytes[begin..];
        int kept = Math.Min(held.Length, SampleSize);
        held[..kept].CopyTo(around);
        kept += rest.ReadAtLeast(around.AsSpan(kept), SampleSize - kept, throwOnEndOfStream: false);
        int zero = around.AsSpan(0, kept).IndexOf((byte)0);
        return around[..(zero < 0 ? kept : zero)];
    }

    /// <summary>
    /// Whether nearly all bytes above ASCII are parts of whole UTF-8 characters, as other encodings' never are.
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
        // A pair may be cut at the sample's end; the decoder then keeps its first half.
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
