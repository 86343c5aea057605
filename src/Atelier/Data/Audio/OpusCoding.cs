using System.Buffers.Binary;
using Concentus;
using Concentus.Enums;

namespace Atelier.Data.Audio;

/// <summary>
/// Codes sounds with Opus (RFC 6716), in managed code, and writes them as Ogg files (RFC 7845).
/// </summary>
internal sealed class OpusCoding
{
    /// <summary>The least and the greatest rate in bits per second of a channel, as Opus defines them.</summary>
    public const int LeastRate = 6000, MostRate = 510_000;

    /// <summary>The rate in bits per second of a channel where none is asked for.</summary>
    public const int UsualRate = 24_000;

    private const int GranuleRate = 48_000, FramesPerSecond = 50, PacketsPerPage = 50, MostPacketBytes = 1275,
        MostComplexity = 10;
    private static readonly int[] SampleRates = [8000, 12_000, 16_000, 24_000, 48_000];

    private readonly List<byte[]> _packets = [];
    private readonly int _sampleRate, _channels, _frames, _lookahead, _inputRate, _length;

    static OpusCoding() => OpusCodecFactory.AttemptToUseNativeLibrary = false; // the same file on every machine

    private OpusCoding(Sound original, Sound resampled, int lookahead) =>
        (_sampleRate, _channels, _frames, _lookahead, _inputRate, _length) = (resampled.SampleRate,
            resampled.Channels, resampled.Frames, lookahead, original.SampleRate, original.Frames);

    /// <summary>The bits of all packets, without those of the file around them.</summary>
    public long PayloadBits => 8 * _packets.Sum(packet => (long)packet.Length);

    /// <summary>Codes a sound of one or two channels.</summary>
    /// <param name="sound">The sound; it is resampled if Opus does not know its sample rate.</param>
    /// <param name="bitsPerSecond">The rate of all channels together, which frames may differ from.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static OpusCoding Encode(Sound sound, int bitsPerSecond, CancellationToken cancellation = default)
    {
        int rate = SampleRates.FirstOrDefault(rate => rate >= sound.SampleRate, SampleRates[^1]);
        Sound resampled = sound.SampleRate == rate ? sound : sound.Resampled(rate);
        using IOpusEncoder encoder =
            OpusCodecFactory.CreateEncoder(rate, sound.Channels, OpusApplication.OPUS_APPLICATION_AUDIO);
        (encoder.Bitrate, encoder.UseVBR, encoder.Complexity) = (bitsPerSecond, true, MostComplexity);
        var coding = new OpusCoding(sound, resampled, encoder.Lookahead);
        float[] samples = resampled.Interleaved();
        int size = rate / FramesPerSecond * sound.Channels;
        // silence after the end, so that the delay of the coder is filled
        Array.Resize(ref samples, (samples.Length + (encoder.Lookahead * sound.Channels) + size - 1) / size * size);
        var packet = new byte[MostPacketBytes];
        for (int at = 0; at < samples.Length; at += size)
        {
            cancellation.ThrowIfCancellationRequested();
            int bytes = encoder.Encode(samples.AsSpan(at, size), size / sound.Channels, packet, packet.Length);
            coding._packets.Add(packet[..bytes]);
        }
        return coding;
    }

    /// <summary>Returns the sound at the sample rate of the original. It is decoded at 48 kHz, as players do.</summary>
    public Sound Decode()
    {
        using IOpusDecoder decoder = OpusCodecFactory.CreateDecoder(GranuleRate, _channels);
        int size = GranuleRate / FramesPerSecond, factor = GranuleRate / _sampleRate;
        var samples = new float[_packets.Count * size * _channels];
        foreach ((int i, byte[] packet) in _packets.Index())
            decoder.Decode(packet, samples.AsSpan(i * size * _channels), size, decode_fec: false);
        float[][] planes = [.. Enumerable.Range(0, _channels).Select(channel => Enumerable
            .Range(_lookahead * factor, _frames * factor)
            .Select(frame => samples[(frame * _channels) + channel]).ToArray())];
        Sound sound = new Sound(planes, GranuleRate).Resampled(_inputRate);
        return sound with { Samples = [.. sound.Samples.Select(plane => plane[..Math.Min(plane.Length, _length)])] };
    }

    /// <summary>Writes an Ogg file.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="texts">Comments to store in it, by name.</param>
    public void Write(Stream stream, IReadOnlyDictionary<string, string>? texts = null)
    {
        int factor = GranuleRate / _sampleRate, skip = _lookahead * factor;
        var ogg = new OggWriter(stream, serial: 1);
        var head = new byte[19];
        "OpusHead"u8.CopyTo(head);
        (head[8], head[9]) = (1, (byte)_channels); // version
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(10), (ushort)skip);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), _inputRate);
        ogg.Write(head, 0, endsPage: true);
        ogg.Write(AudioTags.OpusComments(texts ?? new Dictionary<string, string>()), 0, endsPage: true);
        long end = ((long)_frames * factor) + skip;
        for (int i = 0; i < _packets.Count; i++)
        {
            bool isLast = i == _packets.Count - 1;
            long position = (i + 1L) * GranuleRate / FramesPerSecond;
            ogg.Write(_packets[i], isLast ? end : position, (i + 1) % PacketsPerPage == 0, isLast);
        }
    }
}
