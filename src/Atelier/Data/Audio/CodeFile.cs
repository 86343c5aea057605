using System.Buffers.Binary;
using Atelier.Formats;

namespace Atelier.Data.Audio;

/// <summary>
/// A file of the codes of a learned audio codec: a header of 32 bytes, little-endian, then the codes in whole bits
/// without gaps, by stream, frame and codebook. The last byte is filled up with zeros.
/// </summary>
/// <param name="Identity">The first 16 hexadecimal digits of the SHA-256 of the model's weights.</param>
/// <param name="SampleRate">Samples per second.</param>
/// <param name="FrameLength">The samples of each channel that a frame of codes stands for.</param>
/// <param name="Length">The samples of each channel.</param>
/// <param name="CodeBits">The bits of a code.</param>
/// <param name="Streams">[stream][codebook][frame]: several channels are several streams, unless the model codes them
/// together.</param>
internal sealed record CodeFile(string Identity, int SampleRate, int FrameLength, int Length, int CodeBits,
    IReadOnlyList<int[][]> Streams)
{
    /// <summary>The extension of such files.</summary>
    public const string Extension = ".codec";

    private const int HeaderBytes = 32, Version = 1, IdentityBytes = 8;
    private const int MostRate = 768_000, MostFrameLength = 1 << 16, MostStreams = 2, MostCodebooks = 32, MostBits = 16;

    /// <summary>The number of frames.</summary>
    public int Frames => FramesOf(Length, FrameLength);

    /// <summary>The number of codebooks.</summary>
    public int Codebooks => Streams[0].Length;

    /// <summary>The bits of all codes.</summary>
    public long PayloadBits => (long)Streams.Count * Codebooks * Frames * CodeBits;

    private static ReadOnlySpan<byte> Magic => "ATLCODEC"u8;

    /// <summary>Returns whether bytes are the beginning of such a file.</summary>
    public static bool IsCodeFile(ReadOnlySpan<byte> start) => start.StartsWith(Magic);

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <exception cref="AtelierException">It cannot be written.</exception>
    public void Write(string path)
    {
        byte[] bytes = ToBytes();
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="AtelierException">It is missing, damaged or no such file.</exception>
    public static CodeFile Read(string path)
    {
        byte[] bytes = InputFile.Load(path);
        return AtelierException.At(path, () => Parse(bytes));
    }

    /// <summary>Returns the content of the file.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[HeaderBytes + ((PayloadBits + 7) / 8)];
        Span<byte> header = bytes;
        Magic.CopyTo(header);
        header[8] = Version;
        header[9] = (byte)Streams.Count;
        header[10] = (byte)Codebooks;
        header[11] = (byte)CodeBits;
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], SampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], FrameLength);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], Length);
        Convert.FromHexString(Identity).CopyTo(header[24..]);
        long at = 0;
        foreach (int code in Ordered(Streams, Frames))
        {
            for (int bit = CodeBits - 1; bit >= 0; bit--, at++)
                bytes[HeaderBytes + (at / 8)] |= (byte)((code >> bit & 1) << (int)(7 - (at % 8)));
        }
        return bytes;
    }

    /// <summary>Reads the content of a file.</summary>
    /// <exception cref="AtelierException">It is damaged, or no such file.</exception>
    public static CodeFile Parse(ReadOnlySpan<byte> bytes)
    {
        const string hint = "copy the file again";
        if (!IsCodeFile(bytes) || bytes.Length < HeaderBytes)
            throw new AtelierException("is not a file of codes", hint: hint);
        if (bytes[8] != Version)
            throw new AtelierException($"has the version {bytes[8]} of files of codes", hint: "use a newer Atelier");
        (int streams, int codebooks, int bits) = (bytes[9], bytes[10], bytes[11]);
        int rate = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]),
            frameLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
            length = BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]);
        if (streams is < 1 or > MostStreams || codebooks is < 1 or > MostCodebooks || bits is < 1 or > MostBits
            || rate is < 1 or > MostRate || frameLength is < 1 or > MostFrameLength || length < 0)
            throw new AtelierException("has an impossible header", hint: hint);
        int frames = FramesOf(length, frameLength);
        long expected = HeaderBytes + ((((long)streams * codebooks * frames * bits) + 7) / 8);
        if (bytes.Length != expected)
            throw new AtelierException($"has {bytes.Length} bytes, but its header describes {expected}", hint: hint);
        int[][][] codes = [.. Enumerable.Range(0, streams).Select(_ =>
            Enumerable.Range(0, codebooks).Select(_ => new int[frames]).ToArray())];
        long at = 0;
        for (int i = 0; i < streams * frames * codebooks; i++)
        {
            int code = 0;
            for (int bit = 0; bit < bits; bit++, at++)
                code = (code << 1) | (bytes[(int)(HeaderBytes + (at / 8))] >> (int)(7 - (at % 8)) & 1);
            codes[i / (frames * codebooks)][i % codebooks][i / codebooks % frames] = code;
        }
        return new CodeFile(Convert.ToHexStringLower(bytes.Slice(24, IdentityBytes)), rate, frameLength, length, bits,
            codes);
    }

    /// <summary>
    /// The entropy of the codes in bits per code: for each codebook, that of the frequencies of its codes; the mean
    /// over codebooks.
    /// </summary>
    public double Entropy()
    {
        double total = 0;
        for (int book = 0; book < Codebooks; book++)
        {
            int[] codes = [.. Streams.SelectMany(stream => stream[book])];
            total -= codes.CountBy(code => code).Sum(group =>
                (double)group.Value / codes.Length * Math.Log2((double)group.Value / codes.Length));
        }
        return total / Codebooks;
    }

    private static int FramesOf(int length, int frameLength) =>
        (int)(((long)length + frameLength - 1) / frameLength);

    private static IEnumerable<int> Ordered(IReadOnlyList<int[][]> streams, int frames) =>
        from stream in streams from frame in Enumerable.Range(0, frames) from book in stream select book[frame];
}
