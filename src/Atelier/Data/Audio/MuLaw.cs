using System.Buffers.Binary;

namespace Atelier.Data.Audio;

/// <summary>
/// The μ-law of ITU-T G.711: 8 bits a sample, on a scale that is nearly logarithmic, in WAV files of the format 7.
/// </summary>
internal static class MuLaw
{
    /// <summary>The tag of the format in WAV files.</summary>
    public const int Tag = 7;

    private const int Bias = 33, Clip = 8158; // of 14-bit samples (G.711, table 2a)
    private const float FullScale = 8192;
    private const int HeaderBytes = 58, FormatBytes = 18;

    /// <summary>Codes a sample.</summary>
    /// <param name="sample">Full scale from −1 to 1; beyond it is clipped.</param>
    public static byte Encode(float sample)
    {
        int magnitude = (int)Math.Min(MathF.Round(Math.Abs(sample) * FullScale), Clip) + Bias;
        int segment = int.Log2(magnitude) - 5; // the first segment begins at 32
        int code = (segment << 4) | (magnitude >> (segment + 1) & 0xF);
        return (byte)~(sample < 0 ? code | 0x80 : code);
    }

    /// <summary>Decodes a sample.</summary>
    public static float Decode(byte code)
    {
        int bits = ~code & 0xFF, segment = bits >> 4 & 7;
        int magnitude = ((((bits & 0xF) << 1) + Bias) << segment) - Bias;
        return ((bits & 0x80) != 0 ? -magnitude : magnitude) / FullScale;
    }

    /// <summary>Codes and decodes a sound.</summary>
    public static Sound Again(Sound sound) => sound with
    {
        Samples = [.. sound.Samples.Select(plane => Array.ConvertAll(plane, sample => Decode(Encode(sample))))],
    };

    /// <summary>Encodes a sound as a WAV file.</summary>
    public static byte[] EncodeWav(Sound sound)
    {
        float[] samples = sound.Interleaved();
        int padding = samples.Length % 2;
        var bytes = new byte[checked(HeaderBytes + samples.Length + padding)];
        Span<byte> header = bytes;
        "RIFF"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], bytes.Length - 8);
        "WAVEfmt "u8.CopyTo(header[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], FormatBytes);
        BinaryPrimitives.WriteInt16LittleEndian(header[20..], Tag);
        BinaryPrimitives.WriteInt16LittleEndian(header[22..], (short)sound.Channels);
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], sound.SampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], sound.SampleRate * sound.Channels);
        BinaryPrimitives.WriteInt16LittleEndian(header[32..], (short)sound.Channels);
        BinaryPrimitives.WriteInt16LittleEndian(header[34..], 8);
        "fact"u8.CopyTo(header[38..]); // after two bytes: no extension of the format
        BinaryPrimitives.WriteInt32LittleEndian(header[42..], 4);
        BinaryPrimitives.WriteInt32LittleEndian(header[46..], sound.Frames);
        "data"u8.CopyTo(header[50..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[54..], samples.Length);
        for (int i = 0; i < samples.Length; i++)
            bytes[HeaderBytes + i] = Encode(samples[i]);
        return bytes;
    }
}
