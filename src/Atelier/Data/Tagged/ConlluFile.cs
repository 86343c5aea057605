using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Tagged;

/// <summary>A sentence whose words carry tags.</summary>
/// <param name="Words">The words.</param>
/// <param name="Tags">The tag of each; "_" where none is given.</param>
public sealed record TaggedSentence(IReadOnlyList<string> Words, IReadOnlyList<string> Tags);

/// <summary>CoNLL-U files (universaldependencies.org/format.html): a word a line, in ten columns, sentences between blank lines.</summary>
internal static class ConlluFile
{
    private const int LongestLine = 1 << 20;
    private const int ColumnCount = 10, FormColumn = 1;

    /// <summary>The sentences of a file. Ranges of written tokens (1-2) and empty nodes (1.1) are passed over: their words stand on lines of their own.</summary>
    /// <exception cref="AtelierException">The file is missing, no text, or has a line that is no word's.</exception>
    public static IEnumerable<TaggedSentence> Read(string path, TagColumn column, ReadingReport report)
    {
        using CheckedReader reader = CheckedReader.Open(path, Path.GetFileName(path), report);
        List<string> words = [], tags = [];
        int number = 0;
        foreach (string line in PlainText.Lines(reader, LongestLine, path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                if (words.Count > 0)
                    yield return new TaggedSentence(words, tags);
                (words, tags) = ([], []);
                continue;
            }
            if (line[0] == '#')
                continue;
            string[] fields = line.Split('\t');
            if (fields.Length != ColumnCount)
                throw new AtelierException($"line {number} has {fields.Length} columns, where CoNLL-U has {ColumnCount} between tabs", path, "bring a CoNLL-U file");
            if (fields[0].Contains('-', StringComparison.Ordinal) || fields[0].Contains('.', StringComparison.Ordinal))
                continue;
            words.Add(fields[FormColumn]);
            tags.Add(fields[column == TagColumn.Upos ? 3 : 4]);
        }
        if (words.Count > 0)
            yield return new TaggedSentence(words, tags);
    }
}
