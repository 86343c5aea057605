using Atelier.Abstractions;
using Atelier.Compress.Sounds;
using Atelier.Data.Audio;
using Atelier.Formats;

namespace Atelier;

public sealed partial class Workshop
{
    private const int MostChannels = 2, CodeFileStart = 8;

    /// <summary>
    /// Codes a sound file and measures the loss, or decodes a file of a learned codec's codes to a WAV file.
    /// </summary>
    /// <param name="source">The sound, or the file of codes. Of more than two channels, two are mixed.</param>
    /// <param name="format">The format; null chooses Opus for a sound without a codec, the codec if there is one, and
    /// WAV for codes.</param>
    /// <param name="path">The file to write; null writes next to the source.</param>
    /// <param name="rate">The most bits per second of all channels together; null for the usual rate of the
    /// format.</param>
    /// <param name="with">The folder of the learned codec's run or bundle; null for other formats.</param>
    /// <param name="cancellation">Cancels the operation; no file is left behind.</param>
    /// <exception cref="AtelierException">The source is missing, damaged or no sound, the rate is impossible, or the
    /// codec is missing or another one.</exception>
    public Task<SoundCompressionReport> CompressSoundAsync(string source, SoundFormat? format = null,
        string? path = null, double? rate = null, string? with = null, CancellationToken cancellation = default) =>
        Task.Run(() => CompressSound(source, format, path, rate, with, cancellation), cancellation);

    private SoundCompressionReport CompressSound(string source, SoundFormat? format, string? path, double? rate,
        string? with, CancellationToken cancellation)
    {
        bool isCodes = IsCodeFile(source);
        SoundFormat chosen = format ?? (isCodes ? SoundFormat.Wav : with is null ? SoundFormat.Opus
            : SoundFormat.Codec);
        if (isCodes && chosen != SoundFormat.Wav)
            throw new AtelierException("is a file of codes, which is decoded to wav alone", source,
                $"write {Mention.Field("format")} wav first");
        if (rate is not null && (isCodes || chosen is SoundFormat.MuLaw or SoundFormat.Wav))
            throw new AtelierException("this format has one rate", Mention.Field("rate"), "leave it out");
        bool needsCodec = isCodes || chosen == SoundFormat.Codec;
        if (!needsCodec && with is not null)
            throw new AtelierException("this format needs no learned codec", Mention.Field("with"), "leave it out");
        string target = path ?? BesideSource(source, chosen, isCodes);
        if (Path.GetFullPath(target) == Path.GetFullPath(source))
            throw new AtelierException("would replace its own source", target, "write to another file");
        using ITrainedModel? model = needsCodec ? OpenCodec(with, cancellation) : null;
        IAudioCodec? codec = model?.Require<IAudioCodec>();
        if (isCodes)
            return SoundCompression.Decode(source, codec!, target, cancellation);
        Sound sound = AudioFiles.Read(source, cancellation: cancellation);
        if (sound.Channels > MostChannels)
            sound = AudioFiles.Read(source, channels: MostChannels, cancellation: cancellation);
        return AtelierException.At(source, () =>
            SoundCompression.Run(sound, chosen, rate, codec, target, cancellation));
    }

    private ITrainedModel OpenCodec(string? with, CancellationToken cancellation)
    {
        if (with is null)
            throw new AtelierException("a learned codec is needed", Mention.Field("with"),
                "name the folder of its run or bundle");
        ITrainedModel model = Open(with, new OpenOptions { Device = "cpu" }, cancellation);
        if (model.As<IAudioCodec>() is not null)
            return model;
        model.Dispose();
        throw new AtelierException("is no audio codec", with, "name a run of the family audio-codec");
    }

    private static bool IsCodeFile(string path)
    {
        try
        {
            using FileStream file = InputFile.Open(path);
            Span<byte> start = stackalloc byte[CodeFileStart];
            return CodeFile.IsCodeFile(start[..file.ReadAtLeast(start, CodeFileStart, throwOnEndOfStream: false)]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path,
                "check its name and permissions", e);
        }
    }

    private static string BesideSource(string source, SoundFormat format, bool isCodes)
    {
        string stem = Path.Combine(Path.GetDirectoryName(source) ?? "", Path.GetFileNameWithoutExtension(source));
        return stem + (isCodes ? "-decoded.wav" : format switch
        {
            SoundFormat.Opus => ".opus",
            SoundFormat.MuLaw => "-mu-law.wav",
            SoundFormat.Codec => CodeFile.Extension,
            _ => "-decoded.wav",
        });
    }
}
