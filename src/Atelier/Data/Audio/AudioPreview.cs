using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>A sound of a preview.</summary>
/// <param name="Name">Its path within the source.</param>
/// <param name="Class">Its class; null if there are no classes.</param>
/// <param name="Sound">Its first 10 seconds, in mono at its own sample rate.</param>
public sealed record PreviewedSound(string Name, string? Class, Sound Sound);

/// <summary>A preview of sounds, without preparing them.</summary>
/// <param name="Seconds">The length of each sound.</param>
/// <param name="SampleRates">The number of sounds of each sample rate.</param>
/// <param name="Channels">The number of sounds of each number of channels.</param>
/// <param name="PerClass">The number of sounds of each class; empty without classes.</param>
/// <param name="Held">The number of sounds that the source holds out as test part.</param>
/// <param name="Loudness">The loudness of each sound that is not silent, in LUFS, in increasing order.</param>
/// <param name="First">The first sounds.</param>
/// <param name="Notes">Choices made for the user, one sentence each.</param>
public sealed record AudioPreview(IReadOnlyList<double> Seconds, IReadOnlyDictionary<int, int> SampleRates,
    IReadOnlyDictionary<int, int> Channels, IReadOnlyDictionary<string, int> PerClass, int Held,
    IReadOnlyList<double> Loudness, IReadOnlyList<PreviewedSound> First, IReadOnlyList<string> Notes)
{
    private const int ShownSeconds = 10, BlockFrames = 1 << 14, SoundsPerMessage = 500;
    private const int LowestRate = 1000; // whose loudness can be measured

    /// <summary>The number of sounds.</summary>
    public int Count => Seconds.Count;

    /// <summary>Reads a source.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of a world's sounds.</param>
    /// <param name="count">The number of sounds to return; they are evenly spread over the source.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing, damaged, or has no sounds.</exception>
    public static AudioPreview Of(DataSection section, long seed, int count, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        var source = AudioSource.Read(section, seed, report, progress, cancellation);
        var heard = new Heard?[source.Items.Count];
        var damaged = new AtelierException?[heard.Length];
        int shown = Math.Min(count, heard.Length), done = 0;
        HashSet<int> kept = [.. Enumerable.Range(0, shown).Select(i => (int)((long)i * heard.Length / shown))];
        Parallel.For(0, heard.Length, new ParallelOptions { CancellationToken = cancellation }, i =>
        {
            AudioItem item = source.Items[i];
            try
            {
                heard[i] = Listen(item, kept.Contains(i), cancellation);
            }
            catch (AtelierException e)
            {
                damaged[i] = e.Where is null ? e.At(item.Entry.Where) : e;
            }
            if (Interlocked.Increment(ref done) % SoundsPerMessage == 0)
                progress?.Report(FormattableString.Invariant($"{done} of {Quantity.Of(heard.Length, "sound")} read"));
        });
        AtelierException[] faults = [.. damaged.OfType<AtelierException>()];
        if (faults.FirstOrDefault(FfmpegStream.IsMissing) is { } missing)
            throw missing;
        SourceFolder.TellDamaged([.. faults.Select(fault => $"{fault.Where} {fault.Message}")], "sound", report);
        Heard[] all = [.. heard.OfType<Heard>()];
        foreach (Heard sound in all.Where(sound => sound.Fault is not null))
            report.Note($"{sound.Item.Entry.Where} {sound.Fault}.");
        if (all.Length == 0)
            throw faults[0];
        return new([.. all.Select(sound => sound.Seconds)], Counts(all.Select(sound => sound.SampleRate)),
            Counts(all.Select(sound => sound.Channels)),
            source.Classes.Select((name, label) => (name, Count: all.Count(sound => sound.Item.Label == label)))
                .ToDictionary(c => c.name, c => c.Count),
            all.Count(sound => sound.Item.IsTest),
            [.. all.Select(sound => sound.Loudness).Where(double.IsFinite).Order()],
            [.. all.Where(sound => sound.Kept is not null).Select(sound => new PreviewedSound(sound.Item.Entry.Name,
                source.Classes.Count == 0 ? null : source.Classes[sound.Item.Label], sound.Kept!))],
            report.Notes);
    }

    private static SortedDictionary<int, int> Counts(IEnumerable<int> values) =>
        new(values.CountBy(value => value).ToDictionary(pair => pair.Key, pair => pair.Value));

    private static Heard Listen(AudioItem item, bool keep, CancellationToken cancellation)
    {
        using ISampleStream sound = item.Entry.Open(cancellation);
        LoudnessMeter? meter = sound.SampleRate < LowestRate ? null : new(sound.SampleRate, sound.Channels);
        var block = new float[BlockFrames * sound.Channels];
        var first = new List<float>();
        long frames = 0, most = (long)ShownSeconds * sound.SampleRate * sound.Channels;
        for (int read; (read = sound.Read(block)) > 0; frames += read)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> samples = block.AsSpan(0, read * sound.Channels);
            meter?.Add(samples);
            if (keep)
                first.AddRange(samples[..(int)Math.Clamp(most - first.Count, 0, samples.Length)]);
        }
        if (frames == 0)
            throw new AtelierException("has no samples", item.Entry.Where, "remove it");
        Sound? kept = null;
        if (keep)
        {
            using ISampleStream mono =
                MixedStream.Of(new ArrayStream([.. first], sound.SampleRate, sound.Channels), channels: 1);
            kept = AudioFiles.ReadAll(mono);
        }
        return new(item, (double)frames / sound.SampleRate, sound.SampleRate, sound.Channels,
            meter?.Integrated ?? double.NaN, sound.Fault, kept);
    }

    private sealed record Heard(AudioItem Item, double Seconds, int SampleRate, int Channels, double Loudness,
        string? Fault, Sound? Kept);
}
