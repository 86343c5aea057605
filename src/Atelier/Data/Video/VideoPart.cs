using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Data.Video;

/// <summary>
/// One part of prepared videos: films in a memory-mapped file of frames, cut into clips of one length. Clips are read
/// on demand.
/// </summary>
public sealed class VideoPart : IDisposable
{
    /// <summary>The name of the file of frames, [frame, channels, height, width], bytes.</summary>
    internal const string FramesName = "frames.u8";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly MappedFile _frames;
    private readonly int[] _filmOf; // of each clip
    private readonly int[] _numberWithin; // of each clip, in its film
    private readonly int _stride;
    private string? _contentHash;

    private VideoPart(MappedFile frames, VideoSchema schema, IReadOnlyList<VideoFilm> films, int stride)
    {
        (_frames, Schema, Films, _stride) = (frames, schema, films, stride);
        int[] counts = [.. films.Select(film => checked((int)film.Clips(schema.Frames, stride)))];
        _filmOf = [.. counts.SelectMany((count, number) => Enumerable.Repeat(number, count))];
        _numberWithin = [.. counts.SelectMany(count => Enumerable.Range(0, count))];
        Labels = [.. _filmOf.Select(number => films[number].Label)];
    }

    /// <summary>The size, channels, length and classes of the clips.</summary>
    public VideoSchema Schema { get; }

    /// <summary>The films that the clips are cut from.</summary>
    public IReadOnlyList<VideoFilm> Films { get; }

    /// <summary>The label of each clip; all 0 where there are no classes.</summary>
    public IReadOnlyList<int> Labels { get; }

    /// <summary>The number of clips.</summary>
    public int Count => Labels.Count;

    /// <summary>The SHA-256 of the format, the frames and the labels, in lower-case hexadecimal digits.</summary>
    public string ContentHash => _contentHash ??= Hash();

    /// <summary>Reads a clip. Safe for concurrent use.</summary>
    /// <param name="number">The number of the clip, from 0.</param>
    /// <param name="clip">Receives <see cref="VideoSchema.Size"/> values: [frames, channels, height, width], 0 to 255.
    /// A film that is shorter than a clip repeats its last frame.</param>
    public void Read(int number, Span<byte> clip)
    {
        VideoFilm film = Films[_filmOf[number]];
        long first = (long)_numberWithin[number] * _stride;
        int size = Schema.FrameSize, there = (int)Math.Min(Schema.Frames, film.Frames - first);
        _frames.Bytes((film.Start + first) * size, there * size).CopyTo(clip);
        for (int frame = there; frame < Schema.Frames; frame++)
            clip.Slice((there - 1) * size, size).CopyTo(clip[(frame * size)..]);
    }

    /// <inheritdoc/>
    public void Dispose() => _frames.Dispose();

    /// <summary>Writes a part: NAME-films.json.</summary>
    internal static void Write(string folder, string name, IReadOnlyList<VideoFilm> films) =>
        AtomicFile.Write(Path.Combine(folder, FileName(name)), stream => JsonSerializer.Serialize(stream, films, Json));

    /// <summary>Opens a part.</summary>
    /// <param name="folder">The folder of prepared videos.</param>
    /// <param name="name">The name of the part.</param>
    /// <param name="schema">The schema of the videos.</param>
    /// <param name="stride">The frames between the beginnings of two clips.</param>
    /// <exception cref="AtelierException">A file is missing or damaged.</exception>
    internal static VideoPart Open(string folder, string name, VideoSchema schema, int stride)
    {
        string path = Path.Combine(folder, FileName(name));
        MappedFile? frames = null;
        try
        {
            using FileStream stream = InputFile.Open(path);
            VideoFilm[]? films = JsonSerializer.Deserialize<VideoFilm[]>(stream, Json);
            frames = MappedFile.Open(Path.Combine(folder, FramesName));
            long count = frames.Length / schema.FrameSize;
            if (films is null || stride < 1 || films.Any(film => film is null || film.Name is null || film.Start < 0
                || film.Frames < 1 || film.Frames > count || film.Start > count - film.Frames || film.Label < 0
                || film.Label >= Math.Max(1, schema.Classes.Count)))
                throw new AtelierException("the prepared videos are damaged", path, "prepare the data again");
            return new VideoPart(frames, schema, films, stride);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            frames?.Dispose();
            throw new AtelierException("the prepared videos cannot be read: " + e.Message.TrimEnd('.'), path,
                "prepare the data again", e);
        }
        catch
        {
            frames?.Dispose();
            throw;
        }
    }

    private static string FileName(string name) => $"{name}-films.json";

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<int>(
            [Schema.Channels, Schema.Height, Schema.Width, Schema.Frames, _stride]));
        foreach (VideoFilm film in Films)
        {
            hash.AppendData(MemoryMarshal.AsBytes<long>([film.Label, film.Frames]));
            for (long frame = 0; frame < film.Frames; frame++)
                hash.AppendData(_frames.Bytes((film.Start + frame) * Schema.FrameSize, Schema.FrameSize));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
