using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>A model of tokens that can say what it has learned, once it is told what the tokens are called.</summary>
public interface IExplainableTokens
{
    /// <summary>What the model has learned, in tables and pictures.</summary>
    /// <param name="tokenizer">Names the tokens.</param>
    /// <param name="cancellation">Stops.</param>
    Explanation Explain(Tokenizers.Tokenizer tokenizer, CancellationToken cancellation = default);
}
