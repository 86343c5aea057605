using Atelier.Data.Text.Reading;
using Atelier.Data.Worlds;
using Atelier.Recipes;

namespace Atelier.Data.Text;

/// <summary>The source that a recipe's data section names.</summary>
/// <param name="Documents">Its documents.</param>
/// <param name="ExactEntropy">Of a world: nats per character.</param>
internal sealed record TextSourceChoice(IEnumerable<DocumentPiece> Documents, double? ExactEntropy)
{
    /// <summary>Finds the source: a world, a catalogue entry, a file or a folder.</summary>
    /// <exception cref="AtelierException">There is no such source.</exception>
    public static TextSourceChoice Find(
        DataSection section, long seed, ReadingReport report, IProgress<string>? progress,
            CancellationToken cancellation)
    {
        string source = section.Source;
        if (source.StartsWith("world:", StringComparison.Ordinal))
        {
            TextWorld world = TextWorlds.Find(source) ?? throw new AtelierException("there is no world with this "
                + "name", source,
                $"the worlds are {string.Join(", ", TextWorlds.All.Select(w => w.Name))}");
            return new(world.Documents(seed, section.WorldDocuments).Select(text => new DocumentPiece(text)),
                world.EntropyPerCharacter);
        }
        var options = ReadingOptions.Of(section);
        SourceFiles files =
            SourceFiles.Find(source, report, progress, cancellation, TextWorlds.All.Select(w => w.Name));
        return new(files.Entry is { } entry ? Read(entry, files.Paths, options, report)
            : TextSource.Read(source, options, report), null);
    }

    /// <summary>A catalogue entry has its own reading options; those of the recipe take precedence.</summary>
    private static IEnumerable<DocumentPiece> Read(
        CatalogueEntry entry, IReadOnlyList<string> files, ReadingOptions asked, ReadingReport report)
    {
        bool own = asked.Unit == DocumentUnit.Auto || asked.Unit == entry.Reading.Unit;
        ReadingOptions options = own
            ? entry.Reading with { Column = asked.Column
            ?? entry.Reading.Column, Encoding = asked.Encoding, Separator = asked.Separator,
            HasHeader = asked.HasHeader } : asked;
        return files.SelectMany(file => TextSource.Read(file, options, report));
    }
}
