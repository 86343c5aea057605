using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>A sound of a source, which is not yet decoded.</summary>
/// <param name="Entry">The sound.</param>
/// <param name="Label">Its class; 0 where there are no classes.</param>
/// <param name="Speaker">Its speaker, from the name; null if names have none.</param>
/// <param name="IsTest">Whether the source or the recipe holds it out as test part.</param>
internal sealed record AudioItem(AudioEntry Entry, int Label, string? Speaker, bool IsTest);

/// <summary>The sounds of a source, before they are decoded and split.</summary>
/// <param name="SampleRate">The sample rate to convert them to.</param>
/// <param name="Classes">The names of the classes; empty if there are none.</param>
/// <param name="Items">The sounds, in the source's order.</param>
internal sealed record AudioSource(int SampleRate, IReadOnlyList<string> Classes, IReadOnlyList<AudioItem> Items)
{
    private const string LabelsKey = "data.audio.labels", TestKey = "data.audio.testWhere",
        PartsKey = "data.audio.classParts";
    private const int RatesLooked = 200; // sounds whose sample rate is looked at, evenly chosen
    private const int LowestRate = 1000, HighestRate = 192_000;

    /// <summary>Finds the sounds of a world, a catalogue entry, a folder, a tar or zip file, or one file.</summary>
    /// <exception cref="AtelierException">The source is missing or has no sounds, or its names do not fit the
    /// section.</exception>
    public static AudioSource Read(DataSection section, long seed, ReadingReport report, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        AudioSection asked = section.Audio;
        if (section.Source == SoundsWorld.Name)
            return new(asked.SampleRate ?? SoundsWorld.SampleRate, SoundsWorld.Classes,
                [.. Enumerable.Range(0, section.WorldDocuments).Select(n => SoundsWorld.Item(seed, n))]);
        SourceFiles source = SourceFiles.Find(section.Source, report, progress, cancellation, [SoundsWorld.Name]);
        string[] files = source.Paths is [var folder] && Directory.Exists(folder)
            ? [.. SourceFolder.Files(folder, cancellation).Select(Path.GetFullPath)]
            : [.. source.Paths.Select(Path.GetFullPath)];
        if (files.Length == 0)
            throw new AtelierException("the folder is empty", section.Source, "provide sounds");
        string root = Directory.Exists(section.Source) ? Path.GetFullPath(section.Source)
            : Path.GetDirectoryName(files[0])!;
        IReadOnlyList<AudioEntry> entries = AudioEntry.Find(root, files, report, cancellation);
        if (entries.Count == 0)
            throw new AtelierException("there are no sounds", section.Source,
                $"provide files named {AudioEntry.Formats}, or a tar or zip file of them");
        if (source.Entry?.Audio is { } usual)
            asked = asked with
                { Labels = asked.Labels ?? usual.Labels, TestWhere = asked.TestWhere ?? usual.TestWhere };
        (IReadOnlyList<string> classes, IReadOnlyList<AudioItem> items) =
            Labelled(entries, root, section with { Audio = asked }, report);
        return new(asked.SampleRate ?? UsualRate(items, report, cancellation), classes, items);
    }

    private static (IReadOnlyList<string> Classes, IReadOnlyList<AudioItem> Items) Labelled(
        IReadOnlyList<AudioEntry> entries, string root, DataSection section, ReadingReport report)
    {
        string? labels = section.Audio.Labels, testWhere = section.Audio.TestWhere;
        NamePattern? pattern = labels is not null && labels.Contains('{', StringComparison.Ordinal)
            ? NamePattern.Parse(labels, LabelsKey) : null;
        NameCondition? held = testWhere is null ? null : NameCondition.Parse(testWhere, pattern, TestKey);
        List<(AudioEntry Entry, string Label, string? Speaker, bool IsTest)> found = [];
        IReadOnlyList<string> classParts = section.Audio.ClassParts ?? [];
        if (classParts.FirstOrDefault(part => pattern?.Parts.Contains(part) != true) is { } missing)
            throw new AtelierException($"file names have no part '{missing}'", PartsKey,
                "name parts of the pattern in data.audio.labels");
        if (pattern is not null)
        {
            foreach (AudioEntry entry in entries)
            {
                if (pattern.Match(entry.Name) is { } parts)
                    found.Add((entry, classParts.Count == 0 ? parts.GetValueOrDefault(NamePattern.Class, "")
                            : string.Join('-', classParts.Select(part => parts[part])),
                        parts.GetValueOrDefault(NamePattern.Speaker), held?.IsMet(parts) ?? false));
            }
            if (found.Count == 0)
                throw new AtelierException($"no file name matches {pattern.Text}, for example {entries[0].Name}",
                    LabelsKey, "change the pattern, or leave it out");
            if (found.Count < entries.Count)
                report.Note($"Left out because their names do not match {pattern.Text}: "
                    + $"{Quantity.Of(entries.Count - found.Count, "sound")}.");
        }
        else
        {
            IReadOnlyList<(AudioEntry File, string Label)> labelled = labels == "none"
                ? [.. entries.Select(entry => (entry, ""))]
                : labels != "folder" && FileLabels.Find(root, labels, ReadingOptions.Of(section), report) is { } table
                ? table.Of(entries, entry => entry.Name, "sound", report)
                : FileLabels.OfFolders(entries, entry => entry.Name, "sound", report);
            found.AddRange(labelled.Select(sound => (sound.File, sound.Label, (string?)null, false)));
        }
        if (held is not null && !found.Any(sound => sound.IsTest))
            throw new AtelierException($"no sound meets '{testWhere}'", TestKey, "change the condition");
        if (held is not null && found.All(sound => sound.IsTest))
            throw new AtelierException($"all sounds meet '{testWhere}'", TestKey, "change the condition");
        string[] classes = [.. found.Select(sound => sound.Label).Where(label => label.Length > 0).Distinct()
            .Order(StringComparer.Ordinal)];
        if (classes.Length == 1)
        {
            report.Note($"All sounds are of one class, {classes[0]}, so the class is ignored.");
            classes = [];
        }
        return (classes, [.. found.Select(sound => new AudioItem(sound.Entry,
            Math.Max(0, Array.IndexOf(classes, sound.Label)), sound.Speaker, sound.IsTest))]);
    }

    /// <summary>Returns the most frequent sample rate; of equally frequent ones, the highest.</summary>
    private static int UsualRate(IReadOnlyList<AudioItem> items, ReadingReport report, CancellationToken cancellation)
    {
        int looked = Math.Min(items.Count, RatesLooked);
        (int? Rate, AtelierException? Fault)[] found = [.. Enumerable.Range(0, looked).AsParallel()
            .WithCancellation(cancellation)
            .Select(i => Rate(items[(int)((long)i * items.Count / looked)].Entry, cancellation))];
        var counts = new SortedDictionary<int, int>(found.Select(one => one.Rate).OfType<int>()
            .CountBy(rate => rate).ToDictionary(rate => rate.Key, rate => rate.Value));
        if (counts.Count == 0)
            throw found[0].Fault!;
        int usual = Math.Clamp(counts.Reverse().MaxBy(rate => rate.Value).Key, LowestRate, HighestRate);
        if (counts.Count > 1)
            report.Note($"The sounds have {counts.Count} sample rates; all are converted to {usual} Hz.");
        return usual;
    }

    private static (int? Rate, AtelierException? Fault) Rate(AudioEntry entry, CancellationToken cancellation)
    {
        try
        {
            using ISampleStream sound = entry.Open(cancellation);
            return (sound.SampleRate, null);
        }
        catch (AtelierException e)
        {
            return (null, e); // it is reported and left out when sounds are decoded
        }
    }
}
