using System.Text.Json.Nodes;

namespace Atelier.Tokenizers;

/// <summary>
/// Makes word-level tokenizers: each word between spaces is one token if it is frequent, and an unknown token
/// otherwise, as in the corpora for which perplexities by words are published.
/// </summary>
public static class WordLevelTokenizer
{
    private const string Unknown = "<unk>";

    /// <summary>
    /// Learns a vocabulary from text: a token for the end of a text, one for unknown words, and the most frequent
    /// words. Words that are equally frequent are in ordinal order. The word &lt;unk&gt; of a text is the unknown
    /// token.
    /// </summary>
    /// <param name="texts">The training text.</param>
    /// <param name="vocabularySize">The size of the vocabulary, at least 3. Text with few words gives fewer tokens.
    /// </param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The text has no words.</exception>
    public static Tokenizer Train(IEnumerable<string> texts, int vocabularySize,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, 3);
        string[] first = [TokenTable.EndOfText, Unknown];
        (string[] words, long[] counts) = WordCounts.Of(texts, Count, threads: 0, cancellation);
        string[] frequent = [.. words.Zip(counts).Where(word => !first.Contains(word.First))
            .OrderByDescending(word => word.Second).ThenBy(word => word.First, StringComparer.Ordinal)
            .Take(vocabularySize - first.Length).Select(word => word.First)];
        if (frequent.Length == 0)
            throw new AtelierException("the text has no words between spaces to learn a vocabulary from");
        string[] names = [.. first, .. frequent];
        return MadePipelines.Read("tokenizer.json", new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = MadePipelines.Added("tokenizer.json", names, [TokenTable.EndOfText], []),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "WhitespaceSplit" },
            ["post_processor"] = null,
            ["decoder"] = null,
            ["model"] = new JsonObject
            {
                ["type"] = "WordLevel", ["vocab"] = MadePipelines.Vocabulary(names), ["unk_token"] = Unknown,
            },
        });
    }

    private static void Count(ReadOnlySpan<char> text, Dictionary<string, long> counts)
    {
        for (text = text.TrimStart(); !text.IsEmpty; text = text.TrimStart())
        {
            int end = 0;
            while (end < text.Length && !char.IsWhiteSpace(text[end]))
                end++;
            WordCounts.Add(counts, text[..end].ToString());
            text = text[end..];
        }
    }
}
