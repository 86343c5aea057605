namespace Atelier.Abstractions;

/// <summary>A model of tokens with hidden states that can be conditioned on known states.</summary>
public interface IHiddenStates
{
    /// <summary>
    /// Returns a model of the texts that pass through known states. The distribution of each token is conditioned on
    /// them.
    /// </summary>
    /// <param name="states">The names of the states by position; position 0 is the first token after the
    /// prompt.</param>
    /// <param name="prompt">Number of tokens of the prompt, including the start token.</param>
    /// <param name="places">Number of positions to generate.</param>
    /// <exception cref="AtelierException">A state or a position does not exist, or no text passes through all of the
    /// states.</exception>
    ILanguageModel Given(IReadOnlyDictionary<int, string> states, int prompt, int places);

    /// <summary>Computes the probability of each state at each token of a text, given the whole text.</summary>
    /// <param name="tokens">The tokens of the text, without the start token; at least one.</param>
    /// <param name="cancellation">Cancels the operation before it begins.</param>
    /// <returns>The probabilities, a row for each token and a column for each state.</returns>
    /// <exception cref="AtelierException">The text has probability zero.</exception>
    IReadOnlyList<double[]> Posteriors(ReadOnlyMemory<int> tokens, CancellationToken cancellation = default);
}
