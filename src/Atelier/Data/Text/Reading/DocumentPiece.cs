namespace Atelier.Data.Text.Reading;

/// <summary>
/// A run of text from a document: the whole of it as a rule. A document longer than the limit travels in several
/// pieces, so that memory does not grow with it.
/// </summary>
/// <param name="Text">The text.</param>
/// <param name="Begins">Whether the document begins with it.</param>
/// <param name="Ends">Whether the document ends with it.</param>
public readonly record struct DocumentPiece(string Text, bool Begins, bool Ends)
{
    /// <summary>A document in one piece.</summary>
    public DocumentPiece(string text)
        : this(text, true, true)
    {
    }

    /// <summary>Whether it is all of its document.</summary>
    public bool Whole => Begins && Ends;
}
