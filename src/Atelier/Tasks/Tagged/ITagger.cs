using Atelier.Recipes;

namespace Atelier.Tasks.Tagged;

/// <summary>A capability: tags the words of a sentence. Implementations are thread-safe.</summary>
public interface ITagger
{
    /// <summary>The tags that words may have.</summary>
    IReadOnlyList<string> Tags { get; }

    /// <summary>The CoNLL-U column of the tags.</summary>
    TagColumn Column { get; }

    /// <summary>
    /// Returns whether a word occurs in the training data; null if the model does not keep its words.
    /// </summary>
    bool? Knows(string word) => null;

    /// <summary>Tags a sentence.</summary>
    /// <param name="words">The words of the sentence.</param>
    /// <param name="known">Known tags by the index of their word, from 0; null for none.</param>
    /// <returns>The tag of each word, and the log-likelihood of the words in nats; null if the model defines no
    /// distribution of words.</returns>
    /// <exception cref="AtelierException">A known tag does not exist, or its index is outside the
    /// sentence.</exception>
    (IReadOnlyList<string> Tags, double? LogLikelihood) Tag(IReadOnlyList<string> words,
        IReadOnlyDictionary<int, string>? known = null);

    /// <summary>Tags many sentences.</summary>
    /// <param name="sentences">The words of each sentence.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The result of <see cref="Tag"/> for each sentence.</returns>
    IReadOnlyList<(IReadOnlyList<string> Tags, double? LogLikelihood)> TagAll(
        IReadOnlyList<IReadOnlyList<string>> sentences, CancellationToken cancellation = default)
    {
        var results = new (IReadOnlyList<string> Tags, double? LogLikelihood)[sentences.Count];
        Parallel.For(0, results.Length, new ParallelOptions { CancellationToken = cancellation },
            i => results[i] = Tag(sentences[i]));
        return results;
    }

    /// <summary>Throws if a known tag does not exist, or its index is outside the sentence.</summary>
    internal static void Check(IReadOnlyDictionary<int, string> known, int words, IReadOnlyList<string> tags)
    {
        foreach ((int place, string tag) in known)
        {
            if (!tags.Contains(tag))
                throw new AtelierException($"there is no tag '{tag}'", Mention.Field("states"),
                    $"the tags are {string.Join(", ", tags)}");
            if (place >= words)
                throw new AtelierException($"there is no word at position {place}", Mention.Field("states"),
                    $"the sentence has {words} words, counted from 0");
        }
    }
}
