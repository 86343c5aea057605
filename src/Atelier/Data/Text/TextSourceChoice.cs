using Atelier.Data.Text.Reading;
using Atelier.Data.Worlds;
using Atelier.Recipes;

namespace Atelier.Data.Text;

/// <summary>What a recipe's source turned out to be.</summary>
/// <param name="Documents">Its documents.</param>
/// <param name="ExactEntropy">Of a world: nats per character.</param>
internal sealed record TextSourceChoice(IEnumerable<DocumentPiece> Documents, double? ExactEntropy)
{
    /// <summary>Finds the source: a world, a file or a folder.</summary>
    /// <exception cref="AtelierException">There is no such source.</exception>
    public static TextSourceChoice Find(
        DataSection section, long seed, ReadingReport report, IProgress<string>? progress, CancellationToken cancellation)
    {
        string source = section.Source;
        if (source.StartsWith("world:", StringComparison.Ordinal))
        {
            TextWorld world = TextWorlds.Find(source) ?? throw new AtelierException("there is no such world", source,
                $"the worlds are {string.Join(", ", TextWorlds.All.Select(w => w.Name))}");
            return new(world.Documents(seed, section.WorldDocuments).Select(text => new DocumentPiece(text)), world.EntropyPerCharacter);
        }
        if (!File.Exists(source) && !Directory.Exists(source))
            throw new AtelierException("there is no such data", source, "give a file, a folder, a catalogue name or a world");
        var options = new ReadingOptions { Unit = section.Document, Column = section.Column };
        return new(TextSource.Read(source, options, report), null);
    }
}
