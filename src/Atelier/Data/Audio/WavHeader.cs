using System.Buffers.Binary;

namespace Atelier.Data.Audio;

/// <summary>
/// The header of a WAV file: RIFF, or RF64 (EBU Tech 3306) for more than 4 GiB. Chunks other than "fmt ", "ds64" and
/// "data" are skipped.
/// </summary>
/// <param name="SampleRate">Frames per second.</param>
/// <param name="Channels">The number of channels.</param>
/// <param name="Format">How samples are stored.</param>
/// <param name="DataBytes">The length of the samples in bytes that the header claims; null if the file does not
/// state it.</param>
internal sealed record WavHeader(int SampleRate, int Channels, WavFormat Format, long? DataBytes)
{
    /// <summary>The largest sample rate that is read, in Hz.</summary>
    public const int MostRate = 768_000;

    /// <summary>The largest number of channels that is read.</summary>
    public const int MostChannels = 64;

    private const int IntegerTag = 1, FloatTag = 3, ExtensibleTag = 0xFFFE;
    private const int MostFormatBytes = 1024, ShortFormat = 16, ExtensibleFormat = 40;

    // Programs that write to a pipe claim nearly 2 or 4 GiB; a recorder that did not finish its file leaves 0.
    private const uint UnknownSize = 0x7FFF_0000;

    /// <summary>The bytes of a sample.</summary>
    public int SampleBytes => Format switch
    {
        WavFormat.Unsigned8 => 1,
        WavFormat.Signed16 => 2,
        WavFormat.Signed24 => 3,
        WavFormat.Float64 => 8,
        _ => 4,
    };

    /// <summary>Returns whether bytes are the beginning of a WAV file.</summary>
    /// <param name="start">At least the first 12 bytes.</param>
    public static bool IsWav(ReadOnlySpan<byte> start) => start.Length >= 12
        && (start.StartsWith("RIFF"u8) || start.StartsWith("RF64"u8)) && start[8..].StartsWith("WAVE"u8);

    /// <summary>Reads the header, up to the first sample.</summary>
    /// <param name="stream">The file from its beginning; it need not support seeking.</param>
    /// <returns>The header; null if samples are stored in a way that only other decoders read, such as A-law.</returns>
    /// <exception cref="AtelierException">It is not a WAV file, ends in its header, or its header is
    /// impossible.</exception>
    public static WavHeader? Read(Stream stream)
    {
        Span<byte> chunk = stackalloc byte[12];
        Fill(stream, chunk);
        if (!IsWav(chunk))
            throw new AtelierException("is not a WAV file", hint: "check the file");
        long? longSize = null;
        WavHeader? header = null;
        bool isKnown = false;
        while (true)
        {
            Fill(stream, chunk[..8]);
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            if (chunk.StartsWith("data"u8))
            {
                if (!isKnown)
                    throw new AtelierException("has no format before its samples", hint: "save it again");
                long? bytes = size == uint.MaxValue ? longSize : size is 0 or >= UnknownSize ? null : size;
                return header is null ? null : header with { DataBytes = bytes };
            }
            if (chunk.StartsWith("fmt "u8))
            {
                if (size is < ShortFormat or > MostFormatBytes)
                    throw new AtelierException($"claims {size} bytes for its format", hint: "save it again");
                Span<byte> format = stackalloc byte[MostFormatBytes];
                Fill(stream, format[..(int)size]);
                header = Parse(format[..(int)size]);
                isKnown = true;
                Skip(stream, size % 2);
            }
            else if (chunk.StartsWith("ds64"u8) && size >= 16)
            {
                Span<byte> sizes = stackalloc byte[16]; // of the file and of the samples
                Fill(stream, sizes);
                long claimed = BinaryPrimitives.ReadInt64LittleEndian(sizes[8..]);
                longSize = claimed < 0 ? null : claimed;
                Skip(stream, size - 16 + (size % 2));
            }
            else
            {
                Skip(stream, (long)size + (size % 2));
            }
        }
    }

    private static WavHeader? Parse(ReadOnlySpan<byte> format)
    {
        int tag = BinaryPrimitives.ReadUInt16LittleEndian(format),
            channels = BinaryPrimitives.ReadUInt16LittleEndian(format[2..]),
            align = BinaryPrimitives.ReadUInt16LittleEndian(format[12..]),
            bits = BinaryPrimitives.ReadUInt16LittleEndian(format[14..]);
        uint rate = BinaryPrimitives.ReadUInt32LittleEndian(format[4..]);
        if (tag == ExtensibleTag && format.Length >= ExtensibleFormat)
            tag = BinaryPrimitives.ReadUInt16LittleEndian(format[24..]); // the first bytes of the subformat's GUID
        if (rate is 0 or > MostRate)
            throw new AtelierException($"claims a sample rate of {rate} Hz", hint: "save it again");
        if (channels is 0 or > MostChannels)
            throw new AtelierException($"claims {channels} channels", hint: "save it again");
        // Containers hold whole bytes, with unused bits at the end.
        WavFormat? stored = (tag, (bits + 7) / 8) switch
        {
            (IntegerTag, 1) => WavFormat.Unsigned8,
            (IntegerTag, 2) => WavFormat.Signed16,
            (IntegerTag, 3) => WavFormat.Signed24,
            (IntegerTag, 4) => WavFormat.Signed32,
            (FloatTag, 4) => WavFormat.Float32,
            (FloatTag, 8) => WavFormat.Float64,
            _ => null,
        };
        if (stored is not { } known)
            return null;
        var header = new WavHeader((int)rate, channels, known, null);
        return align == channels * header.SampleBytes ? header
            : throw new AtelierException($"claims {align} bytes for {channels} samples of {bits} bits",
                hint: "save it again");
    }

    private static void Fill(Stream stream, Span<byte> bytes)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new AtelierException("ends before its first sample", hint: "copy or save it again");
    }

    /// <summary>Reads over bytes; the end of the file is found by the next read.</summary>
    private static void Skip(Stream stream, long count)
    {
        Span<byte> buffer = stackalloc byte[4096];
        while (count > 0)
        {
            int read = stream.Read(buffer[..(int)Math.Min(count, buffer.Length)]);
            if (read == 0)
                return;
            count -= read;
        }
    }
}
