namespace Atelier.Data.Audio;

/// <summary>
/// Decodes a sound of any format with the program ffmpeg, which runs as a child process and is ended when the stream is
/// disposed or the operation is cancelled. Formats that refer to other files or addresses, such as playlists, are not
/// allowed.
/// </summary>
internal sealed class FfmpegStream : ISampleStream
{
    private const string Program = "ffmpeg";

    // Demuxers that read one file and nothing else.
    private const string Formats =
        "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,gsm,loas,"
            + "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,mpc,mpc8,nut,oga,ogg,oma,opus,shn,sox,spdif,"
            + "tak,truehd,tta,voc,w64,wav,wv,xwma";

    private readonly FfmpegProcess _process;
    private readonly CancellationToken _cancellation;
    private WavStream? _sound;

    private FfmpegStream(FfmpegProcess process, CancellationToken cancellation) =>
        (_process, _cancellation) = (process, cancellation);

    /// <inheritdoc/>
    public int SampleRate => _sound!.SampleRate;

    /// <inheritdoc/>
    public int Channels => _sound!.Channels;

    /// <inheritdoc/>
    public string? Fault { get; private set; }

    /// <summary>Returns whether an error means that ffmpeg is not installed.</summary>
    public static bool IsMissing(AtelierException fault) => FfmpegProcess.IsMissing(fault);

    /// <summary>Starts to decode a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <param name="program">The program to run.</param>
    /// <exception cref="AtelierException">ffmpeg is not installed, or the file has no sound that it
    /// decodes.</exception>
    public static FfmpegStream Open(string path, CancellationToken cancellation, string program = Program) =>
        Open(program, "file:" + path, path, null, cancellation);

    /// <summary>Starts to decode a file that is in memory.</summary>
    /// <param name="content">The content of the file.</param>
    /// <param name="where">The name of the file, for messages.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <exception cref="AtelierException">ffmpeg is not installed, or the file has no sound that it
    /// decodes.</exception>
    public static FfmpegStream Open(ReadOnlyMemory<byte> content, string where, CancellationToken cancellation) =>
        Open(Program, "pipe:0", where, content, cancellation);

    /// <inheritdoc/>
    public int Read(Span<float> samples)
    {
        int read = _sound!.Read(samples);
        _cancellation.ThrowIfCancellationRequested();
        if (read < samples.Length / Channels && Fault is null && _process.Complaint() is { } complaint)
            Fault = "is damaged or cut short: " + complaint;
        return read;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Dispose();
        _sound?.Dispose();
    }

    private static FfmpegStream Open(string program, string input, string where, ReadOnlyMemory<byte>? content,
        CancellationToken cancellation)
    {
        FfmpegStream stream;
        try
        {
            stream = new FfmpegStream(FfmpegProcess.Start(program,
            [
                "-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", content is null ? "file" : "pipe",
                "-format_whitelist", Formats, "-i", input, "-map", "0:a:0", "-vn", "-sn", "-dn",
                "-c:a", "pcm_f32le", "-f", "wav", "-bitexact", "pipe:1",
            ], where, content is { } bytes ? to => to.Write(bytes.Span) : null, cancellation), cancellation);
        }
        catch (AtelierException e) when (IsMissing(e))
        {
            throw new AtelierException("cannot be decoded without the program ffmpeg, which is not installed", where,
                "install it (Debian and Ubuntu: apt-get install ffmpeg), or convert the file to WAV", e.InnerException);
        }
        try
        {
            stream._sound = WavStream.Open(stream._process.Output);
            return stream;
        }
        catch (AtelierException e)
        {
            string? complaint = stream._process.Complaint();
            stream.Dispose();
            cancellation.ThrowIfCancellationRequested();
            throw new AtelierException("has no sound that ffmpeg decodes" + (complaint is null ? "" : $": {complaint}"),
                where, "check that it is a sound, and copy or download it again", e);
        }
    }
}
