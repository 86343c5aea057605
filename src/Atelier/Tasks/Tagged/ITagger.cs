using Atelier.Abstractions;

namespace Atelier.Tasks.Tagged;

/// <summary>A model of tagged sentences.</summary>
public interface ITagger : IGenerator
{
    /// <summary>The tags it gives.</summary>
    IReadOnlyList<string> Tags { get; }

    /// <summary>Whether a word was seen in training.</summary>
    bool Knows(string word);

    /// <summary>Tags a sentence.</summary>
    /// <param name="words">Its words.</param>
    /// <returns>The tag of each word, and the log-likelihood of the words, in nats.</returns>
    (IReadOnlyList<string> Tags, double LogLikelihood) Tag(IReadOnlyList<string> words);
}
