using Atelier.Data.Text.Reading;
using Atelier.Data.Worlds;
using Atelier.Recipes;
using Atelier.Tensors;

namespace Atelier.Data.Pairs;

/// <summary>Reads the pairs of the source that a recipe's data section names.</summary>
internal static class PairSource
{
    private const int LongestShown = 10; // names of sets in a note

    /// <summary>
    /// Reads all pairs of a source: a world, two parallel files, a catalogue entry or a part of one, a table or a
    /// folder.
    /// </summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of a world's pairs.</param>
    /// <param name="report">Receives what was detected.</param>
    /// <param name="progress">Receives a message about each download.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The training, validation and test pairs; null for those that are not published. If the share of
    /// training data is 0, all pairs are the training pairs.</returns>
    /// <exception cref="AtelierException">There is no such source, or it does not hold pairs.</exception>
    public static List<TextPair>?[] Read(DataSection section, long seed, ReadingReport report,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        List<TextPair>?[] parts = section.Source.StartsWith("world:", StringComparison.Ordinal)
            ? [[.. World(section.Source).Pairs(seed, section.WorldDocuments).StoppedBy(cancellation)], null, null]
            : Files(section, report, progress, cancellation);
        return section.Pairs.Reverse
            ? [.. parts.Select(part => part?.ConvertAll(pair => new TextPair(pair.Target, pair.Source)))] : parts;
    }

    private static PairWorld World(string name) => PairWorld.Find(name) ?? throw new AtelierException(
        "there is no world of pairs with this name", name,
        $"the worlds are {string.Join(", ", PairWorld.All.Select(world => world.Name))}");

    private static List<TextPair>?[] Files(DataSection section, ReadingReport report, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        PairFiles files = PairFiles.Find(section, report, progress, cancellation);
        List<TextPair> Read(IEnumerable<PairSet> sets) =>
            [.. sets.SelectMany(set => set.Read(section, files.Reading, report)).StoppedBy(cancellation)];
        ILookup<PairRole, PairSet> roles = files.Sets.ToLookup(set => set.Role);
        if (section.Split.Train == 0 || !roles.Contains(PairRole.Train)
            || !(roles.Contains(PairRole.Validation) || roles.Contains(PairRole.Test)))
            return [Read(files.Sets), null, null];

        // A second validation or test set is one to evaluate on, not a part of the first.
        PairSet[] Held(PairRole role) => [.. roles[role].Where(set => set.Name == roles[role].First().Name)];
        PairSet[] train = [.. roles[PairRole.Train]], validation = Held(PairRole.Validation),
            test = Held(PairRole.Test);
        List<TextPair>?[] parts =
        [
            Read(train), validation.Length > 0 ? Read(validation) : null, test.Length > 0 ? Read(test) : null,
        ];
        report.Note($"The split of the files was kept: {Names(train)} for training"
            + (validation.Length > 0 ? $", {Names(validation)} for validation" : "")
            + (test.Length > 0 ? $", {Names(test)} for the test" : "") + ".");
        PairSet[] others = [.. files.Sets.Except([.. train, .. validation, .. test])];
        if (others.Length > 0)
            report.Note($"Not used: {Names(others)}. As a source of data to evaluate on, "
                + $"{(others.Length == 1 ? "it is" : "the first is")} {files.SourceOf(others[0])}.");
        return parts;
    }

    private static string Names(IReadOnlyCollection<PairSet> sets)
    {
        string[] names = [.. sets.Select(set => set.Name).Distinct()];
        return string.Join(", ", names.Take(LongestShown))
            + (names.Length > LongestShown ? $" and {names.Length - LongestShown} more" : "");
    }
}
