using System.Buffers.Binary;

namespace Atelier.Data.Audio;

/// <summary>
/// Reads a WAV file of integers from 8 to 32 bits or of floating-point numbers. The lengths in its header are not
/// trusted: samples are read until the file ends.
/// </summary>
internal sealed class WavStream : ISampleStream
{
    private readonly Stream _stream;
    private readonly WavHeader _header;
    private readonly byte[] _bytes = new byte[1 << 16];
    private long _left;

    private WavStream(Stream stream, WavHeader header) =>
        (_stream, _header, _left) = (stream, header, header.DataBytes ?? long.MaxValue);

    /// <inheritdoc/>
    public int SampleRate => _header.SampleRate;

    /// <inheritdoc/>
    public int Channels => _header.Channels;

    /// <inheritdoc/>
    public string? Fault { get; private set; }

    /// <summary>Opens a file; the stream is disposed with the result.</summary>
    /// <param name="stream">The file from its beginning; it need not support seeking.</param>
    /// <returns>The sound; null if samples are stored in a way that only other decoders read. The stream then remains
    /// open.</returns>
    /// <exception cref="AtelierException">The header is damaged.</exception>
    public static WavStream? Open(Stream stream) => WavHeader.Read(stream) is { } header ? new(stream, header) : null;

    /// <inheritdoc/>
    public int Read(Span<float> samples)
    {
        int frameBytes = _header.SampleBytes * Channels, done = 0, wanted = samples.Length / Channels;
        while (done < wanted)
        {
            int most = Math.Min(wanted - done, _bytes.Length / frameBytes);
            int asked = (int)Math.Min((long)most * frameBytes, _left);
            int read = _stream.ReadAtLeast(_bytes.AsSpan(0, asked), asked, throwOnEndOfStream: false);
            _left -= read;
            int frames = read / frameBytes;
            Decode(_bytes.AsSpan(0, frames * frameBytes), samples[(done * Channels)..]);
            done += frames;
            if (read == asked && _left >= frameBytes)
                continue;
            if (read < asked && _header.DataBytes is not null)
                Fault = "is cut short: its header announces more samples";
            _left = 0;
            return done;
        }
        return done;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private void Decode(ReadOnlySpan<byte> bytes, Span<float> samples)
    {
        int size = _header.SampleBytes;
        for (int i = 0; i < bytes.Length / size; i++)
        {
            ReadOnlySpan<byte> at = bytes.Slice(i * size, size);
            float value = _header.Format switch
            {
                WavFormat.Unsigned8 => (at[0] - 128) / 128f,
                WavFormat.Signed16 => BinaryPrimitives.ReadInt16LittleEndian(at) / 32768f,
                WavFormat.Signed24 => (at[0] | (at[1] << 8) | ((sbyte)at[2] << 16)) / 8388608f,
                WavFormat.Signed32 => BinaryPrimitives.ReadInt32LittleEndian(at) / 2147483648f,
                WavFormat.Float32 => BinaryPrimitives.ReadSingleLittleEndian(at),
                _ => (float)BinaryPrimitives.ReadDoubleLittleEndian(at),
            };
            samples[i] = float.IsFinite(value) ? value : 0;
        }
    }
}
