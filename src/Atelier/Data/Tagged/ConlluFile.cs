using System.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Tagged;

/// <summary>A sentence whose words carry tags.</summary>
/// <param name="Words">The words.</param>
/// <param name="Tags">The tag of each; "_" where none is given.</param>
public sealed record TaggedSentence(IReadOnlyList<string> Words, IReadOnlyList<string> Tags)
{
    /// <summary>The lines of the file it stood in, where they were asked for.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];
}

/// <summary>
/// CoNLL-U files (universaldependencies.org/format.html): a word a line, in ten columns, sentences between blank lines.
/// </summary>
public static class ConlluFile
{
    private const int LongestLine = 1 << 20;
    private const int ColumnCount = 10, FormColumn = 1, UposColumn = 3, XposColumn = 4;

    /// <summary>
    /// The sentences of a file. Ranges of written tokens (1-2) and empty nodes (1.1) are passed over: their words stand
    /// on lines of their own.
    /// </summary>
    /// <param name="source">The file.</param>
    /// <param name="column">Which tags.</param>
    /// <param name="report">Receives notes of what was skipped.</param>
    /// <param name="encoding">The file's encoding; null finds it out.</param>
    /// <param name="keepLines">Whether sentences keep the lines they stood in.</param>
    /// <exception cref="AtelierException">The file is missing, no text, or has a line that is no word's.</exception>
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
    /// A sentence with its tags as CoNLL-U, a blank line at its end: the lines it stood in with other tags, or new
    /// ones.
    /// </summary>
    /// <param name="sentence">Words and tags, and the lines they stood in where there are such.</param>
    /// <param name="column">Where the tags go.</param>
    public static string Write(TaggedSentence sentence, TagColumn column)
    {
        var text = new StringBuilder();
        int word = 0;
        IEnumerable<string> lines = sentence.Lines.Count > 0 ? sentence.Lines
            : [$"# text = {string.Join(' ', sentence.Words)}",
                .. sentence.Words.Select((form, i) =>
                FormattableString.Invariant($"{i + 1}\t{form}\t_\t_\t_\t_\t_\t_\t_\t_"))];
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

    /// <summary>Not a range of written tokens (1-2), nor an empty node (1.1).</summary>
    private static bool IsWord(string[] fields) =>
        !fields[0].Contains('-', StringComparison.Ordinal) && !fields[0].Contains('.', StringComparison.Ordinal);
}
