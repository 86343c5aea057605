namespace Atelier.Abstractions;

/// <summary>A model of tokens with hidden states, some of which may be given.</summary>
public interface IHiddenStates
{
    /// <summary>
    /// Returns a model of texts that pass through given states; the distribution of each token is conditioned on them.
    /// </summary>
    /// <param name="states">The names of the states by position; position 0 is the first token after the
    /// prompt.</param>
    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="places">Number of positions.</param>
    /// <exception cref="AtelierException">A state or a position does not exist, or no text passes through all of the
    /// states.</exception>
    ILanguageModel Given(IReadOnlyDictionary<int, string> states, int prompt, int places);
}
