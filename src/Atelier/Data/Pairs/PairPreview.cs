using Atelier.Data.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Pairs;

/// <summary>A summary of the texts of one side of pairs.</summary>
/// <param name="Characters">The number of Unicode scalar values in all texts.</param>
/// <param name="Longest">The number of Unicode scalar values in the longest text.</param>
/// <param name="Different">The number of distinct texts.</param>
public sealed record PairSide(long Characters, long Longest, int Different);

/// <summary>A summary of pairs that have not been prepared yet.</summary>
/// <param name="Pairs">The number of pairs, without those of which a side is empty.</param>
/// <param name="Source">The summary of the sources.</param>
/// <param name="Target">The summary of the targets.</param>
/// <param name="First">The first pairs.</param>
/// <param name="Encodings">The detected encoding of each text file.</param>
/// <param name="Notes">Choices made automatically, and how many pairs cannot be used, one sentence each.</param>
public sealed record PairPreview(int Pairs, PairSide Source, PairSide Target, IReadOnlyList<TextPair> First,
    IReadOnlyDictionary<string, string> Encodings, IReadOnlyList<string> Notes)
{
    /// <summary>Reads all pairs of a source and summarises them.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of a world's pairs.</param>
    /// <param name="count">The number of first pairs to keep.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing or does not hold pairs.</exception>
    public static PairPreview Of(DataSection section, long seed, int count, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        var cleaning = new PairCleaning(report);
        List<TextPair> pairs = cleaning.WithoutEmpty(
            [.. PairSource.Read(section, seed, report, progress, cancellation).SelectMany(part => part ?? [])]);
        cleaning.CountCopies(pairs);
        return new(pairs.Count, Side(pairs.ConvertAll(pair => pair.Source)),
            Side(pairs.ConvertAll(pair => pair.Target)), [.. pairs.Take(count)], report.Encodings, report.Notes);
    }

    private static PairSide Side(List<string> texts) => new(texts.Sum(text => TextCount.Scalars(text)),
        texts.Select(text => TextCount.Scalars(text)).DefaultIfEmpty().Max(), texts.Distinct().Count());
}
