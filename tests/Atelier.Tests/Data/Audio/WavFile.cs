using System.Buffers.Binary;
using System.Text;

namespace Atelier.Tests.Data.Audio;

/// <summary>Writes WAV files byte by byte, right ones and wrong ones.</summary>
internal static class WavFile
{
    /// <summary>The bytes of a file, whose header may claim another length than its samples have.</summary>
    public static byte[] Of(int format, int bits, int channels, int rate, byte[] data, uint? claimed = null)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(Encoding.ASCII.GetBytes("RIFF"));
        writer.Write((uint)(36 + data.Length));
        writer.Write(Encoding.ASCII.GetBytes("WAVEfmt "));
        writer.Write(16);
        writer.Write((short)format);
        writer.Write((short)channels);
        writer.Write(rate);
        writer.Write(rate * channels * ((bits + 7) / 8));
        writer.Write((short)(channels * ((bits + 7) / 8)));
        writer.Write((short)bits);
        writer.Write(Encoding.ASCII.GetBytes("data"));
        writer.Write(claimed ?? (uint)data.Length);
        writer.Write(data);
        return stream.ToArray();
    }

    /// <summary>The bytes of a mono file of 16 bits.</summary>
    public static byte[] Of(int rate, params ReadOnlySpan<short> samples)
    {
        var data = new byte[2 * samples.Length];
        for (int i = 0; i < samples.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(data.AsSpan(2 * i), samples[i]);
        return Of(1, 16, 1, rate, data);
    }

    /// <summary>The bytes of a mono file of 16 bits with a sine.</summary>
    public static byte[] Sine(int rate, double frequency, double seconds, double amplitude = 0.5) =>
        Of(rate, [.. Enumerable.Range(0, (int)(rate * seconds))
            .Select(i => (short)(32767 * amplitude * Math.Sin(Math.Tau * frequency * i / rate)))]);
}
