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
            int done = 0;
            foreach (AudioItem[] some in items.Chunk(Math.Max(4, 2 * Environment.ProcessorCount)))
            {
                var opened = new (ISampleStream? Sound, AtelierException? Fault)[some.Length];
                try
                {
                    Parallel.For(0, some.Length, new ParallelOptions { CancellationToken = cancellation },
                        i => opened[i] = Opened(some[i].Entry));
                    for (int i = 0; i < some.Length; i++)
                    {
                        if (opened[i].Fault is { } fault)
                            Fail(some[i], fault);
                        else
                            Append(some[i], opened[i].Sound!, stream);
                        if (++done % SoundsPerMessage == 0)
                            progress?.Report(FormattableString.Invariant(
                                $"{done} of {Quantity.Of(items.Count, "sound")} read"));
                    }
                }
                finally
                {
                    foreach ((ISampleStream? sound, _) in opened)
                        sound?.Dispose();
                }
            }
        });
        SourceFolder.TellDamaged(_faults, "sound", report);
        if (found.Count == 0)
            throw failure ?? new AtelierException("has no samples", items[0].Entry.Where, "provide sounds");
        return section.Loudness is { } loudness ? Amplified(path, found, loudness) : found;

        void Append(AudioItem item, ISampleStream sound, Stream stream)
        {
            long at = stream.Position / sizeof(float) / section.Channels;
            try
            {
                (long first, long count) = Copy(item.Entry, sound, stream);
                found.Add((item, new(item.Entry.Name, item.Label, item.Speaker, at + first, count, 1)));
            }
            catch (AtelierException e)
            {
                Fail(item, e);
            }
        }

        void Fail(AudioItem item, AtelierException fault)
        {
            if (FfmpegStream.IsMissing(fault))
                throw fault; // no reason to leave out good files
            failure ??= fault;
            _faults.Add($"{fault.Where ?? item.Entry.Where} {fault.Message}");
        }
    }

    /// <summary>Copies one sound, and returns its range without silence.</summary>
    private (long First, long Count) Copy(AudioEntry entry, ISampleStream sound, Stream stream)
    {
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
        return section.TrimSilence is { } decibels ? silence.Sounding(decibels) : (0, written);
    }

    private (ISampleStream? Sound, AtelierException? Fault) Opened(AudioEntry entry)
    {
        try
        {
            return (new ReadAheadStream(Converted(entry.Open(cancellation), entry.Where)), null);
        }
        catch (AtelierException e)
        {
            return (null, e);
        }
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
