using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>Options for reading sounds.</summary>
public sealed record AudioSection
{
    /// <summary>
    /// The sample rate in Hz to which all sounds are converted. Null takes the most frequent sample rate of the files.
    /// </summary>
    [Range(1000, 192_000)]
    public int? SampleRate { get; init; }

    /// <summary>The number of channels to which sounds are mixed: 1 for mono, 2 for stereo.</summary>
    [Range(1, 2)]
    public int Channels { get; init; } = 1;

    /// <summary>
    /// The length of a training example in seconds. Longer recordings are cut into several clips; shorter ones are
    /// padded with silence. Null takes the length of the longest recording, up to 4 seconds.
    /// </summary>
    [Range(0.01, 600.0)]
    public double? ClipSeconds { get; init; }

    /// <summary>
    /// The time in seconds between the beginnings of two clips of the same recording. Null takes the length of a clip,
    /// so that clips do not overlap.
    /// </summary>
    [Range(0.001, 600.0)]
    public double? ClipStride { get; init; }

    /// <summary>
    /// Removes silence at the beginning and end of each recording: everything that is this many dB below its loudest
    /// 10 ms. Null keeps it.
    /// </summary>
    [Range(1.0, 120.0)]
    public double? TrimSilence { get; init; }

    /// <summary>
    /// The loudness in LUFS to which each recording is amplified (ITU-R BS.1770-4), as far as its peaks stay within
    /// full scale. Null keeps the loudness of the files.
    /// </summary>
    [Range(-70.0, 0.0)]
    public double? Loudness { get; init; }

    /// <summary>
    /// How the class of each sound is found: "folder" for the name of its first subfolder, "none" for no classes, a
    /// pattern of the file names such as "{class}_{speaker}_{index}", or a table (.csv, .tsv, .jsonl, .parquet) with a
    /// column "file" and a column "label". Null takes the pattern of a catalogue entry, labels.csv if it
    /// exists, and otherwise the subfolders.
    /// </summary>
    [NamesPath(RecipePath.WithinData)]
    public string? Labels { get; init; }

    /// <summary>
    /// The parts of the pattern in labels that together are the class, such as [class, speaker] for classes named
    /// "7-jackson". Null takes the part "class".
    /// </summary>
    public IReadOnlyList<string>? ClassParts { get; init; }

    /// <summary>
    /// The sounds to hold out as the test part: a condition on a part of the pattern in labels, such as "index &lt; 5"
    /// or "speaker = theo, lucas". Null takes the published test part of a catalogue entry, and otherwise data.split.
    /// </summary>
    public string? TestWhere { get; init; }

    /// <summary>The spectrograms of families that model spectrograms.</summary>
    public SpectrogramSection Spectrogram { get; init; } = new();

    /// <summary>Random augmentation of the training sounds.</summary>
    public AudioAugmentSection Augment { get; init; } = new();
}
