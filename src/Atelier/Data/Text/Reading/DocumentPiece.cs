namespace Atelier.Data.Text.Reading;

/// <summary>
/// A piece of a document, usually the whole. A document longer than <see cref="ReadingOptions.LongestPiece"/> is read
/// in several pieces, so that memory does not grow with it.
/// </summary>
/// <param name="Text">The text of the piece.</param>
/// <param name="Begins">Whether it is the first piece of its document.</param>
/// <param name="Ends">Whether it is the last piece of its document.</param>
public readonly record struct DocumentPiece(string Text, bool Begins, bool Ends)
{
    /// <summary>Creates the only piece of a document.</summary>
    public DocumentPiece(string text)
        : this(text, true, true)
    {
    }

    /// <summary>Whether it is the only piece of its document.</summary>
    public bool Whole => Begins && Ends;
}
