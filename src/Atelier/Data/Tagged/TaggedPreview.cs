using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Tagged;

/// <summary>A summary of tagged sentences that have not been prepared yet.</summary>
/// <param name="Sentences">The number of sentences.</param>
/// <param name="Words">The number of words.</param>
/// <param name="DifferentWords">The number of distinct words.</param>
/// <param name="Tags">The tags with their word counts, most frequent first.</param>
/// <param name="First">The first sentences.</param>
/// <param name="Encodings">The detected encoding of each file.</param>
/// <param name="Notes">Choices made automatically, one sentence each.</param>
public sealed record TaggedPreview(long Sentences, long Words, int DifferentWords,
    IReadOnlyList<(string Tag, int Count)> Tags, IReadOnlyList<TaggedSentence> First,
    IReadOnlyDictionary<string, string> Encodings, IReadOnlyList<string> Notes)
{
    /// <summary>Reads all sentences of a source and summarises them.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="count">The number of first sentences to keep.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing or not CoNLL-U.</exception>
    public static TaggedPreview Of(DataSection section, int count, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        var words = new HashSet<string>();
        var tags = new Dictionary<string, int>();
        var first = new List<TaggedSentence>();
        long sentences = 0, all = 0;
        var files = SourceFiles.Find(section.Source, report, progress, cancellation);
        foreach (string file in files.Expand(report, "conllu", "conll"))
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
