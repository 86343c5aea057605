using Atelier.Recipes;

namespace Atelier.Tasks.Tagged;

/// <summary>A capability: tags the words of a sentence. Implementations are thread-safe.</summary>
public interface ITagger
{
    /// <summary>The tags that words may have.</summary>
    IReadOnlyList<string> Tags { get; }

    /// <summary>The CoNLL-U column of the tags.</summary>
    TagColumn Column { get; }

    /// <summary>Returns whether a word occurs in the training data.</summary>
    bool Knows(string word);

    /// <summary>Tags a sentence.</summary>
    /// <param name="words">The words of the sentence.</param>
    /// <param name="known">Known tags by the index of their word, from 0; null for none.</param>
    /// <returns>The tag of each word, and the log-likelihood of the words in nats.</returns>
    /// <exception cref="AtelierException">A known tag does not exist, or its index is outside the
    /// sentence.</exception>
    (IReadOnlyList<string> Tags, double LogLikelihood) Tag(IReadOnlyList<string> words,
        IReadOnlyDictionary<int, string>? known = null);
}
