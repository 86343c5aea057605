using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>
/// Sounds at one sample rate, cut into clips of one length and split into training, validation and test parts, in a
/// folder that can be opened again.
/// </summary>
public sealed class AudioData : IDataSource, IImageView
{
    private const double MostSeconds = 4; // the longest clip that is not asked for

    private readonly string _folder;
    private ImageData? _images;
    private (string Codec, CodeData Data)? _codes;

    private AudioData(string folder, PreparedFacts facts, AudioPart train, AudioPart validation, AudioPart test) =>
        (_folder, Facts, Train, Validation, Test) = (folder, facts, train, validation, test);

    /// <inheritdoc/>
    public Modality Modality => Modality.Audio;

    /// <summary>The source of the data.</summary>
    public PreparedFacts Facts { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The sample rate, channels, length and classes of the clips.</summary>
    public AudioSchema Schema => Train.Schema;

    /// <summary>The training data.</summary>
    public AudioPart Train { get; }

    /// <summary>The validation data; may be empty.</summary>
    public AudioPart Validation { get; }

    /// <summary>The test sounds; may be empty.</summary>
    public AudioPart Test { get; }

    /// <summary>
    /// Decodes, converts and splits a source, and writes its sounds with audio.json and facts.json. All clips of a
    /// recording are in the same part; if there is only one recording, it is cut into parts in their order.
    /// </summary>
    /// <param name="section">What to read and how. A published test part is kept.</param>
    /// <param name="seed">The seed of the split and of a world's sounds.</param>
    /// <param name="folder">The folder to write.</param>
    /// <param name="schema">The sounds of a model to evaluate; null detects the schema.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing, has no sounds, or does not fit the
    /// section.</exception>
    public static AudioData Prepare(DataSection section, long seed, string folder, AudioSchema? schema = null,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        if (schema is not null)
            section = section with { Audio = section.Audio with
                { SampleRate = schema.SampleRate, Channels = schema.Channels, ClipSeconds = schema.ClipSeconds } };
        AudioSection audio = section.Audio;
        var source = AudioSource.Read(section, seed, report, progress, cancellation);
        if (schema is not null && !source.Classes.SequenceEqual(schema.Classes))
            throw new AtelierException("the sounds have other classes than those of the model", section.Source,
                "evaluate it on sounds of the same classes");
        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        IReadOnlyList<(AudioItem Item, AudioRecording Recording)> sounds =
            new AudioPreparation(audio, source.SampleRate, report, progress, cancellation)
                .Write(Path.Combine(folder, AudioPart.SamplesName), source.Items);
        AudioSchema found = schema ?? new(source.SampleRate, audio.Channels,
            ClipFrames(audio.ClipSeconds, source.SampleRate, sounds.Max(sound => sound.Recording.Frames)),
            source.Classes);
        report.Note(Summary(found, [.. sounds.Select(sound => sound.Recording)]));
        found.Write(folder);
        foreach ((string name, IReadOnlyList<AudioRecording> recordings) in Split(sounds, section.Split, seed,
            found.ClipFrames, report))
            AudioPart.Write(folder, name, recordings);
        int stride = audio.ClipStride is { } seconds ? Frames(seconds, found.SampleRate) : found.ClipFrames;
        new PreparedFacts { Source = section.Source, Notes = report.Notes, ClipStride = stride }.Write(folder);
        return Open(folder);
    }

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder is not one, or was damaged.</exception>
    public static AudioData Open(string folder)
    {
        var facts = PreparedFacts.Read(folder);
        var schema = AudioSchema.Read(folder);
        var parts = new List<AudioPart>();
        try
        {
            foreach (string name in (string[])["train", "validation", "test"])
                parts.Add(AudioPart.Open(folder, name, schema, facts.ClipStride ?? schema.ClipFrames));
            return new AudioData(folder, facts, parts[0], parts[1], parts[2]);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>
    /// The same sounds as test part, with those that a model was trained on as training part; the other parts of both
    /// are closed.
    /// </summary>
    internal AudioData Learning(AudioData? learned)
    {
        if (learned is null)
            return this;
        Train.Dispose();
        learned.Validation.Dispose();
        learned.Test.Dispose();
        return new AudioData(_folder, Facts, learned.Train, Validation, Test);
    }

    /// <summary>Returns the spectrograms of all clips as images, which are disposed with the sounds.</summary>
    /// <param name="format">How the images show the sounds.</param>
    internal ImageData AsImages(SpectrogramFormat format)
    {
        if (_images is { } drawn && drawn.Schema.Spectrogram == format)
            return drawn;
        _images?.Dispose();
        return _images = SpectrogramData.Create(this, format, _folder);
    }

    /// <summary>Returns the codes of all clips, which are disposed with the sounds.</summary>
    /// <param name="codec">A codec of their sample rate and channels.</param>
    /// <param name="codebooks">The number of codebooks.</param>
    internal CodeData AsCodes(IAudioCodec codec, int codebooks)
    {
        string name = FormattableString.Invariant($"{codec.Identity} {codebooks}");
        if (_codes is { } kept && kept.Codec == name)
            return kept.Data;
        _codes?.Data.Dispose();
        CodeData data = CodeData.Create(this, codec, codebooks, _folder);
        _codes = (name, data);
        return data;
    }

    ImageData IImageView.AsImages(DataSection section) =>
        AsImages(SpectrogramData.FormatOf(this, section.Audio.Spectrogram));

    /// <inheritdoc/>
    public void Dispose()
    {
        _images?.Dispose();
        _codes?.Data.Dispose();
        Train.Dispose();
        Validation.Dispose();
        Test.Dispose();
    }

    private static int ClipFrames(double? seconds, int sampleRate, long longest) =>
        seconds is { } asked ? Frames(asked, sampleRate) : (int)Math.Min(longest, Frames(MostSeconds, sampleRate));

    private static int Frames(double seconds, int sampleRate) => Math.Max(1, (int)Math.Round(seconds * sampleRate));

    private static string Summary(AudioSchema schema, AudioRecording[] recordings)
    {
        double seconds = recordings.Sum(recording => (double)recording.Frames) / schema.SampleRate;
        string classes = schema.Classes.Count == 0 ? "without classes" : Quantity.Of(schema.Classes.Count, "class");
        return string.Create(CultureInfo.InvariantCulture,
            $"{Quantity.Of(recordings.Length, "sound")} of together {Quantity.Duration(seconds)}, "
                + $"{schema.SampleRate} Hz, {(schema.Channels == 1 ? "mono" : "stereo")}, {classes}, in clips of "
                + $"{schema.ClipSeconds:0.###} s.");
    }

    /// <summary>Returns the parts by name, shuffled by the seed if the split says so.</summary>
    private static IEnumerable<(string Name, IReadOnlyList<AudioRecording> Recordings)> Split(
        IReadOnlyList<(AudioItem Item, AudioRecording Recording)> sounds, SplitSection split, long seed, int clipFrames,
        ReadingReport report)
    {
        bool heldBySource = split.Train > 0 && sounds.Any(sound => sound.Item.IsTest);
        AudioRecording[] held = [.. sounds.Where(s => heldBySource && s.Item.IsTest).Select(s => s.Recording)],
            others = [.. sounds.Where(s => !heldBySource || !s.Item.IsTest).Select(s => s.Recording)];
        if (others is [var only] && !heldBySource && split is { Train: > 0 and < 1 })
            return Cut(only, split, clipFrames, report);
        var random = new SplitMix64(SplitMix64.At((ulong)seed, 0));
        for (int i = others.Length - 1; split.Shuffle && i > 0; i--)
        {
            int j = (int)random.Next(i + 1);
            (others[i], others[j]) = (others[j], others[i]);
        }
        int test = heldBySource ? 0 : (int)Math.Round(split.Test * others.Length);
        int validation = Math.Min((int)Math.Round(split.Validation * others.Length), others.Length - test);
        int train = heldBySource ? others.Length - validation
            : Math.Min((int)Math.Round(split.Train * others.Length), others.Length - test - validation);
        return
        [
            ("train", others[..train]), ("validation", others[train..(train + validation)]),
            ("test", heldBySource ? held : others[(train + validation)..(train + validation + test)]),
        ];
    }

    /// <summary>
    /// Cuts a single recording into parts of at least one clip each; a shorter one is only trained on.
    /// </summary>
    private static IEnumerable<(string Name, IReadOnlyList<AudioRecording> Recordings)> Cut(AudioRecording only,
        SplitSection split, int clipFrames, ReadingReport report)
    {
        long validation = (long)(split.Validation * only.Frames), test = (long)(split.Test * only.Frames),
            train = Math.Min((long)(split.Train * only.Frames), only.Frames - validation - test);
        if (((long[])[train, validation, test]).Any(frames => frames > 0 && frames < clipFrames))
        {
            report.Note("There is only one recording, which is too short to hold out a part of it: a model can only "
                + "memorise it.");
            (train, validation, test) = (only.Frames, 0, 0);
        }
        else
        {
            report.Note("The parts are cut from one recording, in their order.");
        }
        return
        [
            ("train", Part(0, train)), ("validation", Part(train, validation)),
            ("test", Part(train + validation, test)),
        ];

        IReadOnlyList<AudioRecording> Part(long from, long frames) =>
            frames == 0 ? [] : [only with { Start = only.Start + from, Frames = frames }];
    }
}
