using System.ComponentModel;
using System.Diagnostics;

namespace Atelier.Data.Audio;

/// <summary>
/// Decodes a sound of any format with the program ffmpeg, which runs as a child process and is ended when the stream is
/// disposed or the operation is cancelled. Formats that refer to other files or addresses, such as playlists, are not
/// allowed.
/// </summary>
internal sealed class FfmpegStream : ISampleStream
{
    private const string Program = "ffmpeg";
    private const int MostSaid = 4096; // characters of error messages that are kept

    // Demuxers that read one file and nothing else.
    private const string Formats =
        "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,gsm,loas,"
            + "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,mpc,mpc8,nut,oga,ogg,oma,opus,shn,sox,spdif,"
            + "tak,truehd,tta,voc,w64,wav,wv,xwma";

    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly Task _input;
    private readonly CancellationTokenRegistration _registration;
    private readonly CancellationToken _cancellation;
    private readonly string _where;
    private WavStream? _sound;

    private FfmpegStream(Process process, string where, ReadOnlyMemory<byte>? content, CancellationToken cancellation)
    {
        (_process, _where, _cancellation) = (process, where, cancellation);
        _errors = Task.Run(() => Said(process.StandardError));
        _input = content is { } bytes ? Task.Run(() => Feed(process, bytes)) : Task.CompletedTask;
        _registration = cancellation.Register(End);
    }

    /// <inheritdoc/>
    public int SampleRate => _sound!.SampleRate;

    /// <inheritdoc/>
    public int Channels => _sound!.Channels;

    /// <inheritdoc/>
    public string? Fault { get; private set; }

    /// <summary>Starts to decode a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <param name="program">The program to run.</param>
    /// <exception cref="AtelierException">ffmpeg is not installed, or the file has no sound that it decodes.</exception>
    public static FfmpegStream Open(string path, CancellationToken cancellation, string program = Program) =>
        Open(program, "file:" + path, path, null, cancellation);

    /// <summary>Starts to decode a file that is in memory.</summary>
    /// <param name="content">The content of the file.</param>
    /// <param name="where">The name of the file, for messages.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <exception cref="AtelierException">ffmpeg is not installed, or the file has no sound that it decodes.</exception>
    public static FfmpegStream Open(ReadOnlyMemory<byte> content, string where, CancellationToken cancellation) =>
        Open(Program, "pipe:0", where, content, cancellation);

    /// <inheritdoc/>
    public int Read(Span<float> samples)
    {
        int read = _sound!.Read(samples);
        _cancellation.ThrowIfCancellationRequested();
        if (read < samples.Length / Channels && Fault is null && Complaint() is { } complaint)
            Fault = "is damaged or cut short: " + complaint;
        return read;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registration.Dispose();
        End();
        _process.WaitForExit();
        Task.WaitAll(_errors, _input);
        _sound?.Dispose();
        _process.Dispose();
    }

    private static FfmpegStream Open(string program, string input, string where, ReadOnlyMemory<byte>? content,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            UseShellExecute = false,
            ArgumentList =
            {
                "-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", content is null ? "file" : "pipe",
                "-format_whitelist", Formats, "-i", input, "-map", "0:a:0", "-vn", "-sn", "-dn",
                "-c:a", "pcm_f32le", "-f", "wav", "-bitexact", "pipe:1",
            },
        };
        FfmpegStream stream;
        try
        {
            stream = new FfmpegStream(Process.Start(start)!, where, content, cancellation);
        }
        catch (Win32Exception e)
        {
            throw new AtelierException("cannot be decoded without the program ffmpeg, which is not installed", where,
                "install it (Debian and Ubuntu: apt-get install ffmpeg), or convert the file to WAV", e);
        }
        try
        {
            if (content is null)
                stream._process.StandardInput.Close();
            stream._sound = WavStream.Open(stream._process.StandardOutput.BaseStream);
            return stream;
        }
        catch (AtelierException e)
        {
            string? complaint = stream.Complaint();
            stream.Dispose();
            cancellation.ThrowIfCancellationRequested();
            throw new AtelierException("has no sound that ffmpeg decodes" + (complaint is null ? "" : $": {complaint}"),
                where, "check that it is a sound, and copy or download it again", e);
        }
    }

    private static void Feed(Process process, ReadOnlyMemory<byte> content)
    {
        try
        {
            using Stream input = process.StandardInput.BaseStream;
            input.Write(content.Span);
        }
        catch (IOException)
        {
            // The process ended before it read everything; what it says on the other pipes is reported.
        }
    }

    private static string Said(StreamReader errors)
    {
        var kept = new char[MostSaid];
        int count = errors.ReadBlock(kept);
        while (errors.ReadBlock(new char[MostSaid]) > 0)
        {
            // The rest is dropped: a full pipe would stop the process.
        }
        return new string(kept, 0, count);
    }

    /// <summary>Waits for the end of the process and returns the first line of its error messages.</summary>
    private string? Complaint()
    {
        _process.WaitForExit();
        string? line = _errors.Result.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .FirstOrDefault();
        // "[mp3 @ 0x55…] Header missing" and "file:a.mp3: Invalid data …" name what the message of ours names too.
        if (line is not null && line.StartsWith('[') && line.IndexOf("] ", StringComparison.Ordinal) is var end and > 0)
            line = line[(end + 2)..];
        return line?.Replace("file:" + _where + ": ", "", StringComparison.Ordinal)
            .Replace("pipe:0: ", "", StringComparison.Ordinal).TrimEnd('.');
    }

    private void End()
    {
        try
        {
            if (!_process.HasExited)
                _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended in the meantime.
        }
    }
}
