using System.Runtime.InteropServices;
using Atelier.Data.Text.Reading;
using Atelier.Formats;
using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>
/// Decodes sounds into one file of interleaved samples of 32 bits, at one sample rate. A sound is never in memory as a
/// whole.
/// </summary>
/// <param name="section">How sounds are read.</param>
/// <param name="sampleRate">The sample rate to convert them to.</param>
/// <param name="report">Receives notes of sounds that are damaged.</param>
/// <param name="progress">Receives messages about long operations.</param>
/// <param name="cancellation">Cancels the operation.</param>
internal sealed class AudioPreparation(AudioSection section, int sampleRate, ReadingReport report,
    IProgress<string>? progress, CancellationToken cancellation)
{
    private const int BlockFrames = 1 << 14;
    private const int SoundsPerMessage = 500, SecondsPerMessage = 600;

    private readonly float[] _block = new float[BlockFrames * section.Channels];
    private readonly List<string> _faults = [];

    /// <summary>Writes the samples of sounds to a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="items">The sounds.</param>
    /// <returns>The place of each sound that could be read, in their order.</returns>
    /// <exception cref="AtelierException">No sound could be read.</exception>
    public IReadOnlyList<(AudioItem Item, AudioRecording Recording)> Write(string path, IReadOnlyList<AudioItem> items)
    {
        var found = new List<(AudioItem Item, AudioRecording Recording)>();
        AtelierException? failure = null;
        AtomicFile.Write(path, stream =>
        {
            long at = 0;
            for (int i = 0; i < items.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                try
                {
                    (long first, long count, long written) = Append(items[i].Entry, stream);
                    if (count > 0)
                        found.Add((items[i], new(items[i].Entry.Name, items[i].Label, items[i].Speaker, at + first,
                            count, 1)));
                    at += written;
                }
                catch (AtelierException e)
                {
                    failure ??= e;
                    _faults.Add($"{e.Where ?? items[i].Entry.Where} {e.Message}");
                    at = stream.Position / sizeof(float) / section.Channels;
                }
                if ((i + 1) % SoundsPerMessage == 0)
                    progress?.Report(FormattableString.Invariant($"{i + 1} of {Quantity.Of(items.Count, "sound")} read"));
            }
        });
        SourceFolder.TellDamaged(_faults, "sound", report);
        if (found.Count == 0)
            throw failure ?? new AtelierException("has no samples", items[0].Entry.Where, "provide sounds");
        return section.Loudness is { } loudness ? Amplified(path, found, loudness) : found;
    }

    /// <summary>Decodes one sound, and returns its range without silence and the number of frames written.</summary>
    private (long First, long Count, long Written) Append(AudioEntry entry, Stream stream)
    {
        using ISampleStream sound = Converted(entry.Open(cancellation), entry.Where);
        var silence = new SilenceMeter(sampleRate, section.Channels);
        long written = 0;
        for (int read; (read = sound.Read(_block)) > 0; written += read)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> samples = _block.AsSpan(0, read * section.Channels);
            stream.Write(MemoryMarshal.AsBytes(samples));
            silence.Add(samples);
            long seconds = written / sampleRate, next = (written + read) / sampleRate;
            if (seconds / SecondsPerMessage < next / SecondsPerMessage)
                progress?.Report($"{entry.Name}: {next / 60} minutes read");
        }
        if (written == 0)
            throw new AtelierException("has no samples" + (sound.Fault is { } why ? $": it {why}" : ""), entry.Where,
                "remove it");
        if (sound.Fault is { } fault)
            report.Note(FormattableString.Invariant(
                $"{entry.Where} {fault}; the {(double)written / sampleRate:0.##} s before that are used."));
        (long first, long count) = section.TrimSilence is { } decibels ? silence.Sounding(decibels) : (0, written);
        return (first, count, written);
    }

    private ISampleStream Converted(ISampleStream sound, string where)
    {
        try
        {
            return AtelierException.At(where,
                () => ResampledStream.Of(MixedStream.Of(sound, section.Channels), sampleRate));
        }
        catch
        {
            sound.Dispose();
            throw;
        }
    }

    /// <summary>Returns the recordings with the gain that gives them a loudness.</summary>
    private IReadOnlyList<(AudioItem Item, AudioRecording Recording)> Amplified(string path,
        List<(AudioItem Item, AudioRecording Recording)> found, double loudness)
    {
        using MappedFile samples = MappedFile.Open(path);
        int limited = 0;
        (AudioItem, AudioRecording)[] amplified = [.. found.AsParallel().AsOrdered().WithCancellation(cancellation)
            .Select(sound =>
            {
                (double measured, float peak) = Measure(samples, sound.Recording);
                double gain = double.IsNegativeInfinity(measured) ? 1 : Math.Pow(10, (loudness - measured) / 20);
                if (gain * peak > 1)
                {
                    gain = 1 / peak;
                    Interlocked.Increment(ref limited);
                }
                return (sound.Item, sound.Recording with { Gain = (float)gain });
            })];
        if (limited > 0)
            report.Note(FormattableString.Invariant(
                $"Quieter than {loudness:0.#} LUFS, because their peaks reach full scale: ")
                + $"{Quantity.Of(limited, "sound")}.");
        return amplified;
    }

    private (double Loudness, float Peak) Measure(MappedFile samples, AudioRecording recording)
    {
        var meter = new LoudnessMeter(sampleRate, section.Channels);
        float peak = 0;
        int frameBytes = sizeof(float) * section.Channels;
        for (long at = 0; at < recording.Frames; at += BlockFrames)
        {
            cancellation.ThrowIfCancellationRequested();
            int frames = (int)Math.Min(BlockFrames, recording.Frames - at);
            ReadOnlySpan<float> block = MemoryMarshal.Cast<byte, float>(
                samples.Bytes((recording.Start + at) * frameBytes, frames * frameBytes));
            meter.Add(block);
            foreach (float sample in block)
                peak = Math.Max(peak, Math.Abs(sample));
        }
        return (meter.Integrated, peak);
    }
}
