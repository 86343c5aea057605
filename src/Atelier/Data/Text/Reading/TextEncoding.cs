using System.Buffers;
using System.Text;

namespace Atelier.Data.Text.Reading;

/// <summary>Finds how a file's characters are written: UTF-8, UTF-16 of either byte order, or GB18030.</summary>
/// <param name="Name">For the user: "UTF-8", "UTF-8 with BOM", "UTF-16 LE", "UTF-16 BE", "GB18030".</param>
/// <param name="Encoding">Decodes it, throwing on bytes that it does not allow.</param>
/// <param name="MarkLength">Bytes of the byte order mark.</param>
internal sealed record TextEncoding(string Name, Encoding Encoding, int MarkLength)
{
    private const int SampleSize = 1 << 16;

    private static readonly Encoding Utf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);

    /// <summary>
    /// Reads the stream to its end where it must: a byte order mark decides; then UTF-8, if every byte bears it out and
    /// none is zero; then UTF-16 without a mark and GB18030, by whether the characters are such as texts are made of.
    /// </summary>
    /// <exception cref="AtelierException">It is none of them; a file of something else than text, as a rule.</exception>
    public static TextEncoding Detect(Stream stream, string where)
    {
        var sample = new byte[SampleSize];
        int count = stream.ReadAtLeast(sample, SampleSize, throwOnEndOfStream: false);
        ReadOnlySpan<byte> start = sample.AsSpan(0, count);
        if (start.StartsWith<byte>([0xEF, 0xBB, 0xBF]))
            return new("UTF-8 with BOM", Utf8, 3);
        if (start.StartsWith<byte>([0xFF, 0xFE]))
            return new("UTF-16 LE with BOM", Utf16(bigEndian: false), 2);
        if (start.StartsWith<byte>([0xFE, 0xFF]))
            return new("UTF-16 BE with BOM", Utf16(bigEndian: true), 2);

        (long invalid, long zero) = ScanUtf8(start, stream);
        if (invalid < 0 && zero < 0)
            return new("UTF-8", Utf8, 0);
        if (Plausible(start, Utf16(bigEndian: false)))
            return new("UTF-16 LE", Utf16(bigEndian: false), 0);
        if (Plausible(start, Utf16(bigEndian: true)))
            return new("UTF-16 BE", Utf16(bigEndian: true), 0);
        if (zero >= 0)
            throw new AtelierException($"is not text: byte {zero} is zero", where, "bring a text file");
        if (CommonChineseShare(start) >= 0.9)
            return new("GB18030", Gb18030(), 0);
        throw new AtelierException(
            $"byte {invalid} does not fit UTF-8, and the file is not UTF-16 or GB18030 either", where,
            "convert it to UTF-8 (iconv -f ENCODING -t UTF-8), or take it out if it is not text");
    }

    /// <summary>The positions of the first byte that is not UTF-8 and of the first zero byte; -1 for none.</summary>
    private static (long Invalid, long Zero) ScanUtf8(ReadOnlySpan<byte> start, Stream rest)
    {
        long offset = 0;
        long invalid = -1;
        var buffer = new byte[SampleSize + 4];
        start.CopyTo(buffer);
        int count = start.Length;
        while (count > 0)
        {
            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, count);
            int zero = bytes.IndexOf((byte)0);
            if (zero >= 0)
                return (invalid, offset + zero);
            int valid = ValidPrefix(bytes, out bool incomplete);
            if (valid < count && !incomplete)
                return (offset + valid, -1);
            // An incomplete character at the end of the buffer waits for the bytes that follow.
            bytes[valid..].CopyTo(buffer);
            int left = count - valid;
            offset += valid;
            int read = rest.ReadAtLeast(buffer.AsSpan(left, SampleSize), SampleSize, throwOnEndOfStream: false);
            if (read == 0)
                return (left > 0 ? offset : -1, -1);
            count = left + read;
        }
        return (invalid, -1);
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

    /// <summary>Whether nearly all characters of the sample are ones that texts are made of.</summary>
    private static bool Plausible(ReadOnlySpan<byte> sample, Encoding encoding)
    {
        sample = sample[..(sample.Length & ~1)];
        if (sample.IsEmpty)
            return false;
        // A pair may be cut at the sample's end; the decoder then keeps its first half.
        var characters = new char[sample.Length];
        int count;
        try
        {
            count = encoding.GetDecoder().GetChars(sample, characters, flush: false);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
        int common = 0;
        foreach (char c in characters.AsSpan(0, count))
            if (c is '\t' or '\n' or '\r' or (>= ' ' and <= '~') or (>= '\u00A0' and <= '\u024F') or (>= '\u0370' and <= '\u04FF')
                or (>= '\u2010' and <= '\u203A') or (>= '\u3000' and <= '\u30FF') or (>= '\u4E00' and <= '\u9FFF')
                or (>= '\uFF01' and <= '\uFF65') || char.IsSurrogate(c))
                common++;
        return common >= 0.97 * count && !LooksLikeOneByte(sample);
    }

    /// <summary>Pairs of ASCII letters are ideographs in UTF-16: without zero bytes, real ones have all kinds of bytes among them.</summary>
    private static bool LooksLikeOneByte(ReadOnlySpan<byte> sample)
    {
        int letters = 0;
        foreach (byte b in sample)
        {
            if (b == 0)
                return false;
            letters += b is >= 0x20 and <= 0x7E ? 1 : 0;
        }
        return letters > 0.8 * sample.Length;
    }

    /// <summary>
    /// Of the bytes above ASCII, the share that forms pairs of GB 2312's symbols and common ideographs, as all but a few
    /// of a simplified Chinese text's do; texts in one-byte encodings have ASCII letters after theirs.
    /// </summary>
    private static double CommonChineseShare(ReadOnlySpan<byte> sample)
    {
        int common = 0, all = 0;
        for (int i = 0; i < sample.Length; i++)
        {
            if (sample[i] < 0x80)
                continue;
            if (i + 1 == sample.Length)
                break;
            all++;
            byte lead = sample[i++], trail = sample[i];
            if (trail is >= 0xA1 and <= 0xFE && lead is (>= 0xA1 and <= 0xA9) or (>= 0xB0 and <= 0xF7))
                common++;
        }
        return all == 0 ? 0 : (double)common / all;
    }

    private static UnicodeEncoding Utf16(bool bigEndian) => new(bigEndian, byteOrderMark: false, throwOnInvalidBytes: true);

    private static Encoding Gb18030() => CodePagesEncodingProvider.Instance.GetEncoding(
        "GB18030", EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)!;
}
