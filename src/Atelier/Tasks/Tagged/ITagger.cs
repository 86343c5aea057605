using Atelier.Recipes;

namespace Atelier.Tasks.Tagged;

/// <summary>The capability to tag the words of a sentence. Safe for concurrent use.</summary>
public interface ITagger
{
    /// <summary>The tags that words may have.</summary>
    IReadOnlyList<string> Tags { get; }

    /// <summary>The column of CoNLL-U that the tags belong to.</summary>
    TagColumn Column { get; }

    /// <summary>Whether a word was seen in training.</summary>
    bool Knows(string word);

    /// <summary>Tags a sentence.</summary>
    /// <param name="words">Its words.</param>
    /// <param name="known">Known tags by the index of their word, from 0; null for none.</param>
    /// <returns>The tag of each word, and the log-likelihood of the words, in nats.</returns>
    /// <exception cref="AtelierException">A known tag does not exist, or its index is beyond the sentence.</exception>
    (IReadOnlyList<string> Tags, double LogLikelihood) Tag(IReadOnlyList<string> words,
        IReadOnlyDictionary<int, string>? known = null);
}
