using Atelier.Data.Pairs;
using Atelier.Data.Text;
using Atelier.Data.Worlds;
using Atelier.Recipes;

namespace Atelier.Data;

/// <summary>A source that is named and not a path: a data set of the catalogue or a world.</summary>
/// <param name="Name">The name.</param>
/// <param name="Entry">The data set; null for a world.</param>
internal sealed record NamedSource(string Name, CatalogueEntry? Entry)
{
    private const int Sampled = 200; // documents from which the size of a world is estimated
    private const int PackedRatio = 3; // a byte of a compressed file holds about three of text

    /// <summary>The name without the prefix of worlds.</summary>
    public string ShortName => Name[(Name.IndexOf(':', StringComparison.Ordinal) + 1)..];

    /// <summary>Finds a data set or a world; returns null for anything else.</summary>
    /// <param name="name">The name.</param>
    public static NamedSource? Find(string name) =>
        Catalogue.OfThisMachine().Find(name) is { } entry ? new(name, entry)
            : WorldList.All.Any(world => world.Name == name) ? new(name, Entry: null) : null;

    /// <summary>Returns the number of bytes of text; of other kinds of data only for data sets.</summary>
    /// <param name="cancellation">Cancels the operation.</param>
    public long Bytes(CancellationToken cancellation)
    {
        if (Entry is not null)
            return Entry.Files.Sum(file => file.Content?.Bytes
                ?? (file.Name.EndsWith(".gz", StringComparison.Ordinal) ? PackedRatio : 1) * file.Bytes);
        var section = new DataSection { Source = Name, WorldDocuments = Sampled };
        double share = new DataSection().WorldDocuments / (double)Sampled;
        return (long)(share * (TextWorlds.Find(Name) is not null
            ? TextPreview.Of(section, seed: 0, count: 0, progress: null, cancellation).Bytes
            : PairWorld.Find(Name) is not null ? Characters(section, cancellation) : 0));
    }

    private static long Characters(DataSection section, CancellationToken cancellation)
    {
        PairPreview preview = PairPreview.Of(section, seed: 0, count: 0, progress: null, cancellation);
        return preview.Source.Characters + preview.Target.Characters;
    }
}
