using Atelier.Formats;

namespace Atelier.Data.Audio;

/// <summary>
/// Opens sounds by their content, whatever their names: WAV files directly, all other formats with ffmpeg.
/// </summary>
internal static class AudioDecoder
{
    private const int Signature = 12; // bytes that tell a WAV file

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Cancels decoding.</param>
    /// <exception cref="AtelierException">The file is missing, empty or no sound, or ffmpeg is needed but not
    /// installed.</exception>
    public static ISampleStream Open(string path, CancellationToken cancellation = default)
    {
        FileStream? file = null;
        try
        {
            file = InputFile.Open(path);
            return (ISampleStream?)Wav(file, path) ?? FfmpegStream.Open(path, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "check its name and permissions",
                e);
        }
        catch (AtelierException)
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file that is in memory.</summary>
    /// <param name="content">The content of the file.</param>
    /// <param name="where">The name of the file, for messages.</param>
    /// <param name="cancellation">Cancels decoding.</param>
    /// <exception cref="AtelierException">The file is empty or no sound, or ffmpeg is needed but not
    /// installed.</exception>
    public static ISampleStream Open(byte[] content, string where, CancellationToken cancellation = default) =>
        (ISampleStream?)Wav(new MemoryStream(content, writable: false), where)
            ?? FfmpegStream.Open(content, where, cancellation);

    /// <summary>Opens a WAV file; for any other file, closes it and returns null.</summary>
    private static WavStream? Wav(Stream file, string where)
    {
        Span<byte> start = stackalloc byte[Signature];
        int count = file.ReadAtLeast(start, Signature, throwOnEndOfStream: false);
        if (count == 0)
            throw new AtelierException("is empty", where, "copy or download it again, or remove it");
        file.Position = 0;
        WavStream? sound = WavHeader.IsWav(start[..count]) ? AtelierException.At(where, () => WavStream.Open(file))
            : null;
        if (sound is null)
            file.Dispose();
        return sound;
    }
}
