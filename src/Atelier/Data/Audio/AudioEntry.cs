using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;

namespace Atelier.Data.Audio;

/// <summary>A sound in a folder or in an archive.</summary>
/// <param name="Name">Its path within the source, with / as separator.</param>
/// <param name="Where">Its file, for messages.</param>
/// <param name="Open">Opens it at its beginning.</param>
internal sealed record AudioEntry(string Name, string Where, Func<CancellationToken, ISampleStream> Open)
{
    private static readonly string[] Endings =
    [
        "wav", "wave", "flac", "mp3", "ogg", "oga", "opus", "m4a", "aac", "aif", "aiff", "aifc", "au", "caf", "wma", "wv",
        "w64", "rf64", "amr", "ac3", "mka", "ape", "tta",
    ];

    /// <summary>The usual extensions, for messages.</summary>
    public static string Formats => ".wav, .flac, .mp3, .ogg, .opus, .m4a";

    /// <summary>Finds the sounds among files and in archives, sorted by name.</summary>
    /// <param name="root">The folder that names are relative to.</param>
    /// <param name="files">The paths of the files. A single file is read whatever its name is.</param>
    /// <param name="report">Receives the files that are left out.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">An archive is damaged, or its sounds do not fit in memory.</exception>
    public static IReadOnlyList<AudioEntry> Find(
        string root, IReadOnlyList<string> files, ReadingReport report, CancellationToken cancellation)
    {
        var found = new List<AudioEntry>();
        var others = new List<string>();
        foreach (string file in files)
        {
            if (MediaArchive.IsNamed(file))
                found.AddRange(MediaArchive.Unpack(file, IsSound, "sounds", others, report, cancellation)
                    .Select(sound => new AudioEntry(sound.Name, sound.Where,
                        token => AudioDecoder.Open(sound.Content, sound.Where, token))));
            else if (IsSound(file) || files.Count == 1)
                found.Add(new(Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '/'), file,
                    token => AudioDecoder.Open(file, token)));
            else if (!TableFile.IsTable(file)) // tables hold labels
                others.Add(file);
        }
        SourceFolder.TellLeftOut(others, report);
        return [.. found.OrderBy(entry => entry.Name, StringComparer.Ordinal)];
    }

    /// <summary>Returns whether a name is that of a sound.</summary>
    public static bool IsSound(string name) =>
        Endings.Contains(Path.GetExtension(name).TrimStart('.').ToLowerInvariant());
}
