using Atelier.Data.Text.Cleaning;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Text;

/// <summary>
/// A summary of a text source that has not been prepared yet: its first documents and its size, after the cleaning
/// steps of the recipe.
/// </summary>
/// <param name="First">The first documents.</param>
/// <param name="Documents">The number of documents.</param>
/// <param name="Characters">The number of Unicode scalar values, not counting document ends.</param>
/// <param name="Bytes">The number of bytes in UTF-8, not counting document ends.</param>
/// <param name="Encodings">The detected encoding of each file.</param>
/// <param name="Cleaning">How much each cleaning step removed.</param>
/// <param name="Notes">Choices made automatically, one sentence each.</param>
public sealed record TextPreview(
    IReadOnlyList<string> First, long Documents, long Characters, long Bytes,
    IReadOnlyDictionary<string, string> Encodings, IReadOnlyList<CleaningResult> Cleaning, IReadOnlyList<string> Notes)
{
    /// <summary>Reads a whole source and summarises it.</summary>
    /// <param name="section">The data section of the recipe: what to read, and how to clean it.</param>
    /// <param name="seed">The seed of a world's documents.</param>
    /// <param name="count">The number of first documents to keep; of a document in several pieces, only the first
    /// piece.</param>
    /// <param name="progress">Receives a message about each download.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing, damaged or not text.</exception>
    public static TextPreview Of(DataSection section, long seed, int count, IProgress<string>? progress = null,
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

    /// <summary>
    /// Returns the cleaned documents of a source, one piece at a time, so that memory does not grow with the source.
    /// </summary>
    /// <param name="section">The data section of the recipe: what to read, and how to clean it.</param>
    /// <param name="seed">The seed of a world's documents.</param>
    /// <param name="cleaning">The cleaning steps; their results show how much was removed.</param>
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
