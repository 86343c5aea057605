using System.Buffers.Binary;
using Atelier.Abstractions;
using Atelier.Formats;

namespace Atelier.Data.Audio;

/// <summary>Reads sounds of any format, and writes WAV files.</summary>
public static class AudioFiles
{
    private const int HeaderBytes = 44, BlockFrames = 1 << 14;
    private const long MostFrames = 1L << 28; // of a sound in memory

    /// <summary>Reads a file into memory.</summary>
    /// <param name="path">WAV, or any other format if the program ffmpeg is installed. The format is recognised by the
    /// content.</param>
    /// <param name="sampleRate">The sample rate to convert it to; null keeps its own.</param>
    /// <param name="channels">1 or 2 channels to mix it to; null keeps its own.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The file is missing, damaged, too long or no sound, or ffmpeg is needed but
    /// not installed.</exception>
    public static Sound Read(string path, int? sampleRate = null, int? channels = null,
        CancellationToken cancellation = default)
    {
        using ISampleStream file = AudioDecoder.Open(path, cancellation);
        return Read(file, path, sampleRate, channels);
    }

    /// <summary>Reads a file that a request brings.</summary>
    /// <inheritdoc cref="Read(string, int?, int?, CancellationToken)"/>
    internal static Sound Read(InputData input, int sampleRate, int channels, CancellationToken cancellation)
    {
        using ISampleStream file = AudioDecoder.Open(input.Content.ToArray(), input.Name, cancellation);
        return Read(file, input.Name, sampleRate, channels);
    }

    /// <summary>Writes a sound as a WAV file of 16-bit integers, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sound">The sound. Samples beyond full scale are clipped.</param>
    /// <exception cref="AtelierException">The file cannot be written.</exception>
    public static void WriteWav(string path, Sound sound)
    {
        byte[] bytes = EncodeWav(sound);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>Encodes a sound as a WAV file of 16-bit integers.</summary>
    /// <param name="sound">The sound. Samples beyond full scale are clipped.</param>
    public static byte[] EncodeWav(Sound sound)
    {
        float[] samples = sound.Interleaved();
        int dataBytes = checked(samples.Length * sizeof(short)), frameBytes = sound.Channels * sizeof(short);
        var bytes = new byte[HeaderBytes + dataBytes];
        Span<byte> header = bytes;
        "RIFF"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], HeaderBytes - 8 + dataBytes);
        "WAVEfmt "u8.CopyTo(header[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], 16); // bytes of the format
        BinaryPrimitives.WriteInt16LittleEndian(header[20..], 1); // integers
        BinaryPrimitives.WriteInt16LittleEndian(header[22..], (short)sound.Channels);
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], sound.SampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], sound.SampleRate * frameBytes);
        BinaryPrimitives.WriteInt16LittleEndian(header[32..], (short)frameBytes);
        BinaryPrimitives.WriteInt16LittleEndian(header[34..], 8 * sizeof(short));
        "data"u8.CopyTo(header[36..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[40..], dataBytes);
        for (int i = 0; i < samples.Length; i++)
        {
            float scaled = Math.Clamp(MathF.Round(samples[i] * 32768), short.MinValue, short.MaxValue);
            BinaryPrimitives.WriteInt16LittleEndian(header[(HeaderBytes + (i * sizeof(short)))..],
                float.IsNaN(scaled) ? (short)0 : (short)scaled);
        }
        return bytes;
    }

    private static Sound Read(ISampleStream file, string where, int? sampleRate, int? channels) =>
        AtelierException.At(where, () =>
        {
            ISampleStream mixed = channels is { } count ? MixedStream.Of(file, count) : file;
            return ReadAll(sampleRate is { } rate ? ResampledStream.Of(mixed, rate) : mixed);
        });

    /// <summary>Reads the rest of a stream.</summary>
    internal static Sound ReadAll(ISampleStream stream)
    {
        var planes = new List<float>[stream.Channels];
        for (int channel = 0; channel < planes.Length; channel++)
            planes[channel] = [];
        var block = new float[BlockFrames * stream.Channels];
        for (int read; (read = stream.Read(block)) > 0;)
        {
            if (planes[0].Count + read > MostFrames)
                throw new AtelierException("is too long to be read into memory", hint: "cut it into several files");
            for (int i = 0; i < read * stream.Channels; i++)
                planes[i % stream.Channels].Add(block[i]);
        }
        return new([.. planes.Select(plane => plane.ToArray())], stream.SampleRate);
    }
}
