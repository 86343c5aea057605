namespace Atelier.Data.Video;

/// <summary>
/// Decodes the frames of a file with the program ffmpeg, which converts them and writes them to a pipe. No more than a
/// few frames are in memory.
/// </summary>
internal sealed class FfmpegFrames : IFrameStream
{
    private const string Program = "ffmpeg";

    private readonly FfmpegProcess _process;
    private readonly FrameFormat _format;
    private readonly CancellationToken _cancellation;
    private readonly string? _temporary;
    private readonly byte[] _pixels;

    private FfmpegFrames(FfmpegProcess process, FrameFormat format, string? temporary, CancellationToken cancellation)
    {
        (_process, _format, _temporary, _cancellation) = (process, format, temporary, cancellation);
        _pixels = new byte[format.Size];
    }

    /// <inheritdoc/>
    public string? Fault { get; private set; }

    /// <summary>Starts to decode a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="where">Its name for messages.</param>
    /// <param name="stream">The number of its video stream, from 0.</param>
    /// <param name="format">The format of the frames.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <exception cref="AtelierException">ffmpeg is not installed, or the file has no such video.</exception>
    public static FfmpegFrames Open(string path, string where, int stream, FrameFormat format,
        CancellationToken cancellation) => Open(path, where, stream, format, temporary: null, cancellation);

    /// <summary>Starts to decode a file that is in memory; it is written to a temporary file, since many formats are
    /// not read in order.</summary>
    /// <param name="content">The content of the file.</param>
    /// <param name="where">Its name for messages.</param>
    /// <param name="stream">As in <see cref="Open(string, string, int, FrameFormat, CancellationToken)"/>.</param>
    /// <param name="format">As there.</param>
    /// <param name="cancellation">As there.</param>
    /// <exception cref="AtelierException">ffmpeg is not installed, or there is no such video.</exception>
    public static FfmpegFrames Open(ReadOnlyMemory<byte> content, string where, int stream, FrameFormat format,
        CancellationToken cancellation)
    {
        string temporary = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(temporary, content.Span);
            return Open(temporary, where, stream, format, temporary, cancellation);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <inheritdoc/>
    public bool Read(Span<byte> frame)
    {
        int read = _process.Output.ReadAtLeast(_pixels, _pixels.Length, throwOnEndOfStream: false);
        _cancellation.ThrowIfCancellationRequested();
        if (read < _pixels.Length)
        {
            Fault = _process.Complaint() is { } complaint ? "is damaged or cut short: " + complaint : null;
            return false;
        }
        int plane = _format.Width * _format.Height, channels = _format.Channels;
        for (int channel = 0; channel < channels; channel++)
        {
            Span<byte> target = frame.Slice(channel * plane, plane);
            for (int i = 0; i < plane; i++)
                target[i] = _pixels[(i * channels) + channel];
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Dispose();
        if (_temporary is not null)
            File.Delete(_temporary);
    }

    private static FfmpegFrames Open(string path, string where, int stream, FrameFormat format, string? temporary,
        CancellationToken cancellation)
    {
        VideoInfo info = VideoProbe.Read(path, where, stream, cancellation);
        return new FfmpegFrames(FfmpegProcess.Start(Program,
        [
            "-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", "file",
            "-format_whitelist", VideoProbe.Formats, "-i", "file:" + path,
            "-map", FormattableString.Invariant($"0:{info.Stream}"), "-an", "-sn", "-dn", "-vf", format.Filters(),
            "-fps_mode", format.Fps is null ? "passthrough" : "cfr", "-f", "rawvideo", "-pix_fmt", format.PixelFormat,
            "pipe:1",
        ], where, cancellation: cancellation), format, temporary, cancellation);
    }
}
