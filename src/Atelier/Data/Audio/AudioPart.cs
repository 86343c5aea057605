using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Data.Audio;

/// <summary>
/// One part of prepared sounds: recordings in a memory-mapped file of samples, cut into clips of one length. Clips are
/// read on demand.
/// </summary>
public sealed class AudioPart : IDisposable
{
    /// <summary>The name of the file of samples: interleaved, 32-bit floating point, little-endian.</summary>
    internal const string SamplesName = "samples.f32";

    private const int HashedFrames = 1 << 16;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly MappedFile _samples;
    private readonly int[] _recordingOf; // of each clip
    private readonly int[] _numberWithin; // of each clip, in its recording
    private readonly int _stride;
    private string? _contentHash;

    private AudioPart(MappedFile samples, AudioSchema schema, IReadOnlyList<AudioRecording> recordings, int stride)
    {
        (_samples, Schema, Recordings, _stride) = (samples, schema, recordings, stride);
        int[] counts = [.. recordings.Select(recording => checked((int)recording.Clips(schema.ClipFrames, stride)))];
        _recordingOf = [.. counts.SelectMany((count, number) => Enumerable.Repeat(number, count))];
        _numberWithin = [.. counts.SelectMany(count => Enumerable.Range(0, count))];
        Labels = [.. _recordingOf.Select(number => recordings[number].Label)];
    }

    /// <summary>The sample rate, channels, length and classes of the clips.</summary>
    public AudioSchema Schema { get; }

    /// <summary>The recordings that the clips are cut from.</summary>
    public IReadOnlyList<AudioRecording> Recordings { get; }

    /// <summary>The label of each clip; all 0 where there are no classes.</summary>
    public IReadOnlyList<int> Labels { get; }

    /// <summary>The number of clips.</summary>
    public int Count => Labels.Count;

    /// <summary>The SHA-256 of the format, the samples and the labels, in lower-case hexadecimal digits.</summary>
    public string ContentHash => _contentHash ??= Hash();

    /// <summary>Returns the recording that a clip is cut from.</summary>
    public AudioRecording Recording(int number) => Recordings[_recordingOf[number]];

    /// <summary>Returns the number of frames of a clip before it is padded with silence.</summary>
    public int Frames(int number) => (int)Math.Min(Schema.ClipFrames, Recording(number).Frames - First(number));

    /// <summary>Reads a clip. Safe for concurrent use.</summary>
    /// <param name="number">The number of the clip, from 0.</param>
    /// <param name="samples">Receives <see cref="AudioSchema.Size"/> values: [channels, frames], full scale from −1 to
    /// 1, with silence after the end of the recording.</param>
    public void Read(int number, Span<float> samples) => Read(number, samples[..Schema.Size], shift: 0);

    /// <inheritdoc/>
    public void Dispose() => _samples.Dispose();

    /// <summary>
    /// Reads a clip that begins some frames later, or earlier if negative, within its recording, and is as long as the
    /// samples have room: [channels, frames].
    /// </summary>
    internal void Read(int number, Span<float> samples, int shift)
    {
        AudioRecording recording = Recording(number);
        int channels = Schema.Channels, length = samples.Length / channels;
        long first = First(number) + shift;
        long from = Math.Clamp(first, 0, recording.Frames), to = Math.Clamp(first + length, 0, recording.Frames);
        samples.Clear();
        ReadOnlySpan<float> frames = Interleaved(recording.Start + from, (int)(to - from));
        int at = (int)(from - first);
        for (int i = 0; i < frames.Length; i++)
            samples[(i % channels * length) + at + (i / channels)] = frames[i] * recording.Gain;
    }

    /// <summary>Writes a part: NAME-recordings.json.</summary>
    internal static void Write(string folder, string name, IReadOnlyList<AudioRecording> recordings) =>
        AtomicFile.Write(Path.Combine(folder, FileName(name)), stream =>
            JsonSerializer.Serialize(stream, recordings, Json));

    /// <summary>Opens a part.</summary>
    /// <param name="folder">The folder of prepared sounds.</param>
    /// <param name="name">The name of the part.</param>
    /// <param name="schema">The schema of the sounds.</param>
    /// <param name="stride">The frames between the beginnings of two clips.</param>
    /// <exception cref="AtelierException">A file is missing or damaged.</exception>
    internal static AudioPart Open(string folder, string name, AudioSchema schema, int stride)
    {
        string path = Path.Combine(folder, FileName(name));
        MappedFile? samples = null;
        try
        {
            using FileStream stream = InputFile.Open(path);
            AudioRecording[]? recordings = JsonSerializer.Deserialize<AudioRecording[]>(stream, Json);
            samples = MappedFile.Open(Path.Combine(folder, SamplesName));
            long frames = samples.Length / sizeof(float) / schema.Channels;
            if (recordings is null || stride < 1 || recordings.Any(r => r is null || r.Name is null || r.Start < 0
                || r.Frames < 1 || r.Frames > frames || r.Start > frames - r.Frames || !float.IsFinite(r.Gain)
                || r.Label < 0 || r.Label >= Math.Max(1, schema.Classes.Count)))
                throw new AtelierException("the prepared sounds are damaged", path, "prepare the data again");
            return new AudioPart(samples, schema, recordings, stride);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            samples?.Dispose();
            throw new AtelierException("the prepared sounds cannot be read: " + e.Message.TrimEnd('.'), path,
                "prepare the data again", e);
        }
        catch
        {
            samples?.Dispose();
            throw;
        }
    }

    private static string FileName(string name) => $"{name}-recordings.json";

    private long First(int number) => (long)_numberWithin[number] * _stride;

    private ReadOnlySpan<float> Interleaved(long start, int frames)
    {
        int frameBytes = sizeof(float) * Schema.Channels;
        return MemoryMarshal.Cast<byte, float>(_samples.Bytes(start * frameBytes, frames * frameBytes));
    }

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<int>([Schema.SampleRate, Schema.Channels, Schema.ClipFrames, _stride]));
        foreach (AudioRecording recording in Recordings)
        {
            hash.AppendData(MemoryMarshal.AsBytes<long>([recording.Label, recording.Frames,
                BitConverter.SingleToInt32Bits(recording.Gain)]));
            for (long at = 0; at < recording.Frames; at += HashedFrames)
                hash.AppendData(MemoryMarshal.AsBytes(Interleaved(recording.Start + at,
                    (int)Math.Min(HashedFrames, recording.Frames - at))));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
