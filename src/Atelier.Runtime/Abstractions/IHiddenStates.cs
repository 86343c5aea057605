namespace Atelier.Abstractions;

/// <summary>A model of tokens with hidden states behind them, some of which may be known.</summary>
public interface IHiddenStates
{
    /// <summary>
    /// The model of texts that go through states that are known: each token's distribution is given those, too.
    /// </summary>
    /// <param name="states">The states' names by place; place 0 is that of the first token after the prompt.</param>
    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="places">How many places there are.</param>
    /// <exception cref="AtelierException">A state or a place is none, or no text goes through them all.</exception>
    ILanguageModel Given(IReadOnlyDictionary<int, string> states, int prompt, int places);
}
