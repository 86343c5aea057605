using Atelier.Data.Text.Reading;
using Atelier.Data.Worlds;
using Atelier.Recipes;

namespace Atelier.Data.Text;

/// <summary>The text source that a recipe's data section names.</summary>
/// <param name="Documents">The documents of the source.</param>
/// <param name="ExactEntropy">The exact entropy of a world, in nats per character; null for other sources.</param>
internal sealed record TextSourceChoice(IEnumerable<DocumentPiece> Documents, double? ExactEntropy)
{
    /// <summary>Finds the source: a world, a catalogue entry, a file or a folder.</summary>
    /// <exception cref="AtelierException">There is no such source.</exception>
    public static TextSourceChoice Find(DataSection section, long seed, ReadingReport report,
        IProgress<string>? progress, CancellationToken cancellation)
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
        var files = SourceFiles.Find(source, report, progress, cancellation, TextWorlds.All.Select(w => w.Name));
        IEnumerable<DocumentPiece> documents = files.Entry is { } entry
            ? Read(entry, files.Paths, options, report)
            : TextSource.Read(source, options, report);
        return new(documents, ExactEntropy: null);
    }

    /// <summary>
    /// Reads a catalogue entry by its own reading options, over which those of the recipe take precedence.
    /// </summary>
    private static IEnumerable<DocumentPiece> Read(
        CatalogueEntry entry, IReadOnlyList<string> files, ReadingOptions requested, ReadingReport report)
    {
        ReadingOptions options = requested;
        if (requested.Unit == DocumentUnit.Auto || requested.Unit == entry.Reading.Unit)
        {
            options = entry.Reading with
            {
                Column = requested.Column ?? entry.Reading.Column,
                Encoding = requested.Encoding,
                Separator = requested.Separator,
                HasHeader = requested.HasHeader,
            };
        }
        return files.SelectMany(file => TextSource.Read(file, options, report));
    }
}
