using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Pairs;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Data.Video;
using Atelier.Data.Worlds;

namespace Atelier.Data;

/// <summary>Detects the modality of a source from the names of its files.</summary>
public static class SourceKind
{
    private static readonly string[] TextEndings = ["txt", "md", "jsonl", "json"];
    private static readonly string[] TaggedEndings = ["conllu", "conll"];
    private const int FilesLooked = 100; // of an archive

    /// <summary>The kinds of data that a source can be read as, by the names that users write.</summary>
    public static IReadOnlyDictionary<string, Modality> Named { get; } = new Dictionary<string, Modality>
    {
        ["text"] = Modality.Text, ["table"] = Modality.Table, ["series"] = Modality.Series,
        ["tagged"] = Modality.Tagged, ["images"] = Modality.Image, ["pairs"] = Modality.Pairs,
        ["audio"] = Modality.Audio, ["video"] = Modality.Video,
    };

    /// <summary>Returns the name of a kind of data, such as "images".</summary>
    /// <param name="kind">A kind that <see cref="Of"/> returns.</param>
    public static string NameOf(Modality kind) => Named.First(pair => pair.Value == kind).Key;

    /// <summary>Returns the modality of most of the source's files; text if no file name decides it.</summary>
    /// <param name="source">The name of a world or catalogue entry, or the path of a file or folder.</param>
    public static Modality Of(string source)
    {
        if (source == ShapesWorld.Name)
            return Modality.Image;
        if (source == SoundsWorld.Name)
            return Modality.Audio;
        if (source is MovingShapes.Name or MovingDigits.Name)
            return Modality.Video;
        if (Catalogue.OfThisMachine().Find(source.Split(':')[0]) is { } entry)
            return entry.Audio is not null ? Modality.Audio
                : entry.Files.Any(file => IsOfPictures(file.Name)) ? Modality.Image
                : entry.Files.Any(file => VideoEntry.IsVideo(file.Name)) ? Modality.Video
                : PairFiles.AreParallel(entry.Files.Select(file => file.Name)) ? Modality.Pairs
                : entry.Files.All(file => TaggedEndings.Contains(TextSource.Format(file.Name))) ? Modality.Tagged
                : entry.Files.All(file => TextSource.Format(file.Name) == "csv") ? Modality.Table : Modality.Text;
        if (PairFiles.AreTwo(source) || PairWorld.Find(source) is not null)
            return Modality.Pairs;
        IReadOnlyList<string> files = Directory.Exists(source) ? SourceFolder.Files(source) : [source];
        return files.Select(Kind).OfType<Modality>().CountBy(kind => kind).OrderByDescending(kind => kind.Value)
            .Select(kind => (Modality?)kind.Key).FirstOrDefault()
            ?? (PairFiles.AreParallel(files) ? Modality.Pairs : Modality.Text);
    }

    /// <summary>
    /// Returns the kinds of the files of a folder, the most frequent first; a kind of fewer than a tenth of the files
    /// is left out. Empty for other sources, and where no file name decides.
    /// </summary>
    /// <param name="folder">The path of the folder.</param>
    public static IReadOnlyList<Modality> In(string folder)
    {
        if (!Directory.Exists(folder))
            return [];
        Modality[] kinds = [.. SourceFolder.Files(folder).Select(Kind).OfType<Modality>()];
        return [.. kinds.CountBy(kind => kind).Where(kind => 10 * kind.Value >= kinds.Length)
            .OrderByDescending(kind => kind.Value).Select(kind => kind.Key)];
    }

    private static Modality? Kind(string file)
    {
        string format = TextSource.Format(file);
        if (MediaArchive.IsNamed(file))
        {
            IReadOnlyList<string> inside = MediaArchive.Names(file, FilesLooked);
            return new (Modality Kind, int Count)[]
            {
                (Modality.Image, inside.Count(ImageEntry.IsImage)), (Modality.Audio, inside.Count(AudioEntry.IsSound)),
                (Modality.Video, inside.Count(VideoEntry.IsVideo)),
            }.MaxBy(kind => kind.Count).Kind;
        }
        return IsOfPictures(file) ? Modality.Image
            : AudioEntry.IsSound(file) ? Modality.Audio
            : VideoEntry.IsVideo(file) ? Modality.Video
            : TextEndings.Contains(format) ? Modality.Text
            : TaggedEndings.Contains(format) ? Modality.Tagged
            : TableFile.IsTable(file) ? Modality.Table
            : null;
    }

    private static bool IsOfPictures(string file) => IdxFile.IsNamed(file) || ImageEntry.IsNamed(file);
}
