using Atelier.Data.Text.Cleaning;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Text;

/// <summary>
/// A preview of a source, without preparing it: its first documents and its size, after the section's cleaning steps.
/// </summary>
/// <param name="First">The first documents.</param>
/// <param name="Documents">Documents in all.</param>
/// <param name="Characters">Unicode scalar values in all, ends not counted.</param>
/// <param name="Bytes">Bytes of UTF-8 in all, ends not counted.</param>
/// <param name="Encodings">The encodings found, by file.</param>
/// <param name="Cleaning">What each cleaning step removed.</param>
/// <param name="Notes">Choices made for the user, one sentence each.</param>
public sealed record TextPreview(
    IReadOnlyList<string> First, long Documents, long Characters, long Bytes,
    IReadOnlyDictionary<string, string> Encodings, IReadOnlyList<CleaningResult> Cleaning, IReadOnlyList<string> Notes)
{
    /// <summary>Reads a source through.</summary>
    /// <param name="section">What to read, and how to clean it.</param>
    /// <param name="seed">Of a world's documents.</param>
    /// <param name="count">First documents to keep; of one too long to be held whole, its first piece.</param>
    /// <param name="progress">Receives a message about each download.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing, damaged or not text.</exception>
    public static TextPreview Of(
        DataSection section, long seed, int count, IProgress<string>? progress = null,
            CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        var cleaning = new TextCleaning(section.Clean);
        var first = new List<string>();
        long documents = 0, characters = 0, bytes = 0;
        foreach (DocumentPiece piece in Read(section, seed, cleaning, report, progress, cancellation))
        {
            documents += piece.Ends ? 1 : 0;
            characters += TextCount.Scalars(piece.Text);
            bytes += TextCount.Bytes(piece.Text);
            if (piece.Begins && first.Count < count)
                first.Add(piece.Text);
        }
        return new(first, documents, characters, bytes, report.Encodings, cleaning.Results, report.Notes);
    }

    /// <summary>The documents of a source, cleaned, one at a time, in memory that does not grow with it.</summary>
    /// <param name="section">What to read, and how to clean it.</param>
    /// <param name="seed">Of a world's documents.</param>
    /// <param name="cleaning">The steps; their results show what was removed.</param>
    /// <param name="report">Receives the detected encodings and choices.</param>
    /// <param name="progress">Receives a message about each download.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static IEnumerable<DocumentPiece> Read(
        DataSection section, long seed, TextCleaning cleaning, ReadingReport report,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        foreach (DocumentPiece piece in TextSourceChoice.Find(section, seed, report, progress, cancellation).Documents)
        {
            cancellation.ThrowIfCancellationRequested();
            if (cleaning.Clean(piece) is { Length: > 0 } text)
                yield return piece with { Text = text };
        }
    }
}
