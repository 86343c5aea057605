using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Tagged;

/// <summary>A preview of tagged sentences, without preparing them.</summary>
/// <param name="Sentences">Sentences in all.</param>
/// <param name="Words">Words in all.</param>
/// <param name="DifferentWords">Different words.</param>
/// <param name="Tags">The tags with how many words have each, most frequent first.</param>
/// <param name="First">The first sentences.</param>
/// <param name="Encodings">The encodings found, by file.</param>
/// <param name="Notes">Choices made for the user, one sentence each.</param>
public sealed record TaggedPreview(long Sentences, long Words, int DifferentWords,
    IReadOnlyList<(string Tag, int Count)> Tags,
    IReadOnlyList<TaggedSentence> First, IReadOnlyDictionary<string, string> Encodings, IReadOnlyList<string> Notes)
{
    /// <summary>Reads sentences through.</summary>
    /// <param name="section">What to read and how.</param>
    /// <param name="count">First sentences to keep.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing or no CoNLL-U.</exception>
    public static TaggedPreview Of(DataSection section, int count, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        var words = new HashSet<string>();
        var tags = new Dictionary<string, int>();
        var first = new List<TaggedSentence>();
        long sentences = 0, all = 0;
        foreach (string file in SourceFiles.Find(section.Source, report, progress, cancellation)
            .Expand(report, "conllu", "conll"))
        {
            foreach (TaggedSentence sentence in ConlluFile.Read(file, section.Tags, report, section.Encoding))
            {
                cancellation.ThrowIfCancellationRequested();
                sentences++;
                all += sentence.Words.Count;
                words.UnionWith(sentence.Words);
                foreach (string tag in sentence.Tags)
                    tags[tag] = tags.GetValueOrDefault(tag) + 1;
                if (first.Count < count)
                    first.Add(sentence);
            }
        }
        (string, int)[] ordered = [.. tags.Select(t => (t.Key, t.Value)).OrderByDescending(t => t.Value)
            .ThenBy(t => t.Key, StringComparer.Ordinal)];
        return new(sentences, all, words.Count, ordered, first, report.Encodings, report.Notes);
    }
}
