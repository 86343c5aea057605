using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Evaluation.Audio;
using Atelier.Formats;

namespace Atelier.Compress.Sounds;

/// <summary>Codes sounds, decodes them, and measures the loss.</summary>
internal static class SoundCompression
{
    private const int MostChannels = 2, WavBits = 16, MuLawBits = 8;
    private const string FileHint = "copy the file again";

    /// <summary>Codes a sound, and writes it.</summary>
    /// <param name="sound">The sound; more than two channels are mixed to two by the caller.</param>
    /// <param name="format">The format.</param>
    /// <param name="rate">The rate in bits per second; null for the usual one.</param>
    /// <param name="codec">The learned codec; null for other formats.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="cancellation">Cancels the operation; no file is left behind.</param>
    public static SoundCompressionReport Run(Sound sound, SoundFormat format, double? rate, IAudioCodec? codec,
        string path, CancellationToken cancellation)
    {
        if (sound.Frames == 0)
            throw new AtelierException("has no samples", hint: "check the file");
        (byte[] bytes, double bits, double? entropy, Sound again) = format switch
        {
            SoundFormat.Opus => Opus(sound, rate, cancellation),
            SoundFormat.MuLaw => (MuLaw.EncodeWav(sound), (double)sound.Channels * sound.Frames * MuLawBits, null,
                MuLaw.Again(sound)),
            SoundFormat.Codec => Codec(sound, rate, codec!, cancellation),
            _ => (AudioFiles.EncodeWav(sound), (double)sound.Channels * sound.Frames * WavBits, null, sound),
        };
        cancellation.ThrowIfCancellationRequested();
        Distortion distortion = Distortion.Between(sound, again);
        AtomicFile.Write(path, stream => stream.Write(bytes));
        return new SoundCompressionReport(Path.GetFullPath(path), format, sound.Seconds, bytes.Length,
            bits / sound.Seconds, entropy / sound.Seconds, distortion);
    }

    /// <summary>Decodes a file of a learned codec to a WAV file.</summary>
    /// <param name="source">The file of codes.</param>
    /// <param name="codec">The codec that it was made with.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="cancellation">Cancels the operation; no file is left behind.</param>
    public static SoundCompressionReport Decode(string source, IAudioCodec codec, string path,
        CancellationToken cancellation)
    {
        CodeFile file = CodeFile.Read(source);
        Sound sound = AtelierException.At(source, () => Decode(file, codec, cancellation));
        AudioFiles.WriteWav(path, sound);
        long bytes = new FileInfo(path).Length;
        return new SoundCompressionReport(Path.GetFullPath(path), SoundFormat.Wav, sound.Seconds, bytes,
            sound.Seconds > 0 ? sound.Channels * (double)sound.Frames * WavBits / sound.Seconds : 0, null, null);
    }

    /// <summary>Returns the codes of a sound, which is resampled to the codec's sample rate.</summary>
    /// <param name="sound">The sound.</param>
    /// <param name="rate">The most bits per second; null for all codebooks.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">One codebook takes more bits, or the codec codes two channels
    /// together and the sound has one.</exception>
    internal static CodeFile Encode(Sound sound, double? rate, IAudioCodec codec, CancellationToken cancellation)
    {
        Sound resampled = sound.SampleRate == codec.SampleRate ? sound : sound.Resampled(codec.SampleRate);
        if (resampled.Channels % codec.Channels != 0)
            throw new AtelierException("the sound is mono, but the codec codes two channels together",
                Mention.Field("with"), "use a codec that was trained with data.audio.channels=1");
        int streams = resampled.Channels / codec.Channels, codebooks = Codebooks(rate, streams, codec);
        return new CodeFile(codec.Identity[..16], codec.SampleRate, codec.FrameLength, resampled.Frames,
            int.Log2(codec.CodebookSize), [.. Enumerable.Range(0, streams).Select(stream =>
                codec.Encode([.. resampled.Samples.Skip(stream * codec.Channels).Take(codec.Channels)], codebooks,
                    cancellation))]);
    }

    /// <summary>Returns the sound of codes.</summary>
    /// <exception cref="AtelierException">They were made by another model, or do not fit the model.</exception>
    internal static Sound Decode(CodeFile file, IAudioCodec codec, CancellationToken cancellation)
    {
        if (codec.Identity.Length > 0 && !codec.Identity.StartsWith(file.Identity, StringComparison.Ordinal))
            throw new AtelierException($"was coded by another model, whose weights have the hash {file.Identity}…",
                hint: "decode it with the model that coded it");
        if ((file.SampleRate, file.FrameLength) != (codec.SampleRate, codec.FrameLength)
            || file.Streams.Count * codec.Channels > MostChannels)
            throw new AtelierException("has an impossible header", hint: FileHint);
        return new Sound([.. file.Streams.SelectMany(codes => codec.Decode(codes, file.Length, cancellation))],
            file.SampleRate);
    }

    private static (byte[] Bytes, double Bits, double? Entropy, Sound Again) Opus(Sound sound, double? rate,
        CancellationToken cancellation)
    {
        double chosen = rate ?? (OpusCoding.UsualRate * sound.Channels);
        if (chosen is < OpusCoding.LeastRate or > OpusCoding.MostRate)
            throw new AtelierException(FormattableString.Invariant(
                $"Opus has no rate of {chosen / 1000:0.###} kbit/s"), Mention.Field("rate"),
                $"write 6k to 510k; a learned codec has lower rates");
        var coding = OpusCoding.Encode(sound, (int)chosen, cancellation);
        using var file = new MemoryStream();
        coding.Write(file);
        return (file.ToArray(), coding.PayloadBits, null, coding.Decode());
    }

    private static (byte[] Bytes, double Bits, double? Entropy, Sound Again) Codec(Sound sound, double? rate,
        IAudioCodec codec, CancellationToken cancellation)
    {
        CodeFile file = Encode(sound, rate, codec, cancellation);
        Sound again = Decode(file, codec, cancellation);
        double entropy = file.Entropy() * file.Codebooks * file.Frames * file.Streams.Count;
        return (file.ToBytes(), file.PayloadBits, entropy,
            again.SampleRate == sound.SampleRate ? again : again.Resampled(sound.SampleRate));
    }

    private static int Codebooks(double? rate, int streams, IAudioCodec codec)
    {
        if (rate is not { } most)
            return codec.CodebookCount;
        double one = streams * codec.BitsPerSecond(1);
        int codebooks = (int)Math.Min(codec.CodebookCount, Math.Floor((most / one) + 1e-9));
        return codebooks >= 1 ? codebooks : throw new AtelierException(FormattableString.Invariant(
            $"one codebook alone takes {one / 1000:0.###} kbit/s"), Mention.Field("rate"),
            FormattableString.Invariant(
                $"write {one / 1000:0.###}k to {one * codec.CodebookCount / 1000:0.###}k"));
    }
}
