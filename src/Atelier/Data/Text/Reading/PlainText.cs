using System.Text;
using Atelier.Recipes;

namespace Atelier.Data.Text.Reading;

/// <summary>Splits plain text into documents: the whole file, each line, or each paragraph.</summary>
internal static class PlainText
{
    /// <summary>Returns the documents in order. Empty lines and paragraphs are skipped.</summary>
    /// <exception cref="AtelierException">A line or paragraph is longer than the limit.</exception>
    public static IEnumerable<DocumentPiece> Read(CheckedReader reader, DocumentUnit unit, int limit, string where) =>
        unit switch
        {
            DocumentUnit.Line =>
                Lines(reader, limit, where).Where(line => line.Length > 0).Select(line => new DocumentPiece(line)),
            DocumentUnit.Paragraph => Paragraphs(reader, limit, where).Select(text => new DocumentPiece(text)),
            _ => Pieces(reader, limit),
        };

    /// <summary>Returns the lines without their line ends.</summary>
    /// <exception cref="AtelierException">A line is longer than the limit.</exception>
    public static IEnumerable<string> Lines(CheckedReader reader, int limit, string where)
    {
        var line = new StringBuilder();
        long number = 1;
        while (true)
        {
            string block = reader.ReadBlock().ToString();
            if (block.Length == 0)
                break;
            int start = 0;
            for (int end = block.IndexOf('\n'); end >= 0; end = block.IndexOf('\n', start))
            {
                Append(end);
                yield return line.ToString();
                line.Clear();
                number++;
                start = end + 1;
            }
            Append(block.Length);

            void Append(int end)
            {
                if (line.Length + end - start > limit)
                    throw new AtelierException($"line {number} is longer than {limit} characters", where,
                        "break it into shorter lines, or use whole files as documents (data.document=file), which "
                            + "can have any length");
                line.Append(block, start, end - start);
            }
        }
        if (line.Length > 0)
            yield return line.ToString();
    }

    private static IEnumerable<string> Paragraphs(CheckedReader reader, int limit, string where)
    {
        var paragraph = new StringBuilder();
        foreach (string line in Lines(reader, limit, where))
        {
            if (!string.IsNullOrWhiteSpace(line))
            {
                if (paragraph.Length + line.Length > limit)
                    throw new AtelierException(
                        $"the paragraph that starts with '{Begin(paragraph)}' is longer than {limit} characters",
                        where, "use lines or whole files as documents (data.document=line or file)");
                if (paragraph.Length > 0)
                    paragraph.Append('\n');
                paragraph.Append(line);
            }
            else if (paragraph.Length > 0)
            {
                yield return paragraph.ToString();
                paragraph.Clear();
            }
        }
        if (paragraph.Length > 0)
            yield return paragraph.ToString();
    }

    private static string Begin(StringBuilder text) =>
        text.ToString(0, Math.Min(20, text.Length)).ReplaceLineEndings(" ");

    private static IEnumerable<DocumentPiece> Pieces(CheckedReader reader, int limit)
    {
        var text = new StringBuilder();
        bool begins = true;
        while (true)
        {
            string block = reader.ReadBlock().ToString();
            if (block.Length == 0)
                break;
            text.Append(block);
            while (text.Length > limit)
            {
                string held = text.ToString(0, limit);
                int cut = CutPlace(held);
                yield return new(held[..cut], begins, false);
                begins = false;
                text.Remove(0, cut);
            }
        }
        if (text.Length > 0 || !begins)
            yield return new(text.ToString(), begins, true);
    }

    /// <summary>
    /// Returns where to cut a piece: after the last line end, else after the last space, else at the end, but never
    /// within a surrogate pair.
    /// </summary>
    private static int CutPlace(string text)
    {
        int line = text.LastIndexOf('\n') + 1;
        if (line > 0)
            return line;
        int space = text.AsSpan().LastIndexOfAny(" \t\u3000") + 1;
        if (space > 0)
            return space;
        return text.Length > 1 && char.IsHighSurrogate(text[^1]) ? text.Length - 1 : text.Length;
    }
}
