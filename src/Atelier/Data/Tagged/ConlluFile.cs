using System.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Tagged;

/// <summary>A sentence with a tag for each word.</summary>
/// <param name="Words">The words.</param>
/// <param name="Tags">The tag of each word; "_" if it has none.</param>
public sealed record TaggedSentence(IReadOnlyList<string> Words, IReadOnlyList<string> Tags)
{
    /// <summary>The sentence's lines in the file it was read from; empty if they were not kept.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];
}

/// <summary>
/// Reads and writes CoNLL-U files (universaldependencies.org/format.html): one word per line in ten columns, with blank
/// lines between sentences.
/// </summary>
public static class ConlluFile
{
    private const int LongestLine = 1 << 20;
    private const int ColumnCount = 10, FormColumn = 1, UposColumn = 3, XposColumn = 4;

    /// <summary>
    /// Reads the sentences of a file. Lines of multiword tokens (1-2) and empty nodes (1.1) are skipped: the words of a
    /// multiword token have lines of their own.
    /// </summary>
    /// <param name="source">The file.</param>
    /// <param name="column">The column that contains the tags.</param>
    /// <param name="report">Receives notes of what was skipped.</param>
    /// <param name="encoding">The file's encoding; null detects it.</param>
    /// <param name="keepLines">Whether sentences keep their lines.</param>
    /// <exception cref="AtelierException">The file is missing, is not text, or has a line that does not describe a
    /// word.</exception>
    internal static IEnumerable<TaggedSentence> Read(FileSource source, TagColumn column, ReadingReport report,
        string? encoding = null, bool keepLines = false)
    {
        using CheckedReader reader =
            CheckedReader.Open(source, Path.GetFileName(source.Name), report, encoding);
        List<string> words = [], tags = [], lines = [];
        int number = 0;
        foreach (string line in PlainText.Lines(reader, LongestLine, source.Name))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                if (words.Count > 0)
                    yield return new TaggedSentence(words, tags) { Lines = lines };
                (words, tags, lines) = ([], [], []);
                continue;
            }
            if (keepLines)
                lines.Add(line);
            if (line[0] == '#')
                continue;
            string[] fields = line.Split('\t');
            if (fields.Length != ColumnCount)
                throw new AtelierException(
                    $"line {number} has {fields.Length} columns, but CoNLL-U has {ColumnCount}, separated by tabs",
                    source.Name, "provide a CoNLL-U file");
            if (!IsWord(fields))
                continue;
            words.Add(fields[FormColumn]);
            tags.Add(fields[NumberOf(column)]);
        }
        if (words.Count > 0)
            yield return new TaggedSentence(words, tags) { Lines = lines };
    }

    /// <summary>
    /// Returns a sentence with its tags as CoNLL-U, followed by a blank line. If the sentence kept its lines, only the
    /// tags in them are replaced; otherwise new lines are made.
    /// </summary>
    /// <param name="sentence">The words and tags, and the original lines if they were kept.</param>
    /// <param name="column">The column to write tags to.</param>
    public static string Write(TaggedSentence sentence, TagColumn column)
    {
        var text = new StringBuilder();
        int word = 0;
        static string NewLine(string form, int i) =>
            FormattableString.Invariant($"{i + 1}\t{form}\t_\t_\t_\t_\t_\t_\t_\t_");
        IEnumerable<string> lines = sentence.Lines.Count > 0 ? sentence.Lines
            : [$"# text = {string.Join(' ', sentence.Words)}", .. sentence.Words.Select(NewLine)];
        foreach (string line in lines)
        {
            string[] fields = line.Split('\t');
            if (line[0] != '#' && IsWord(fields))
                fields[NumberOf(column)] = sentence.Tags[word++];
            text.AppendJoin('\t', fields).Append('\n');
        }
        return text.Append('\n').ToString();
    }

    private static int NumberOf(TagColumn column) => column == TagColumn.Upos ? UposColumn : XposColumn;

    /// <summary>Returns whether a line is neither a multiword token (1-2) nor an empty node (1.1).</summary>
    private static bool IsWord(string[] fields) =>
        !fields[0].Contains('-', StringComparison.Ordinal) && !fields[0].Contains('.', StringComparison.Ordinal);
}
