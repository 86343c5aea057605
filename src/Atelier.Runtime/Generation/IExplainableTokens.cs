using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>A model of tokens that can explain what it has learned, given a tokenizer that names the tokens.</summary>
public interface IExplainableTokens
{
    /// <summary>Explains what the model has learned, in tables and pictures.</summary>
    /// <param name="tokenizer">Names the tokens.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    Explanation Explain(Tokenizers.Tokenizer tokenizer, CancellationToken cancellation = default);
}
