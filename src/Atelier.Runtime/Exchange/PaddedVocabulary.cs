using Atelier.Formats;
using Atelier.Tokenizers;

namespace Atelier.Exchange;

/// <summary>
/// Vocabularies of models that are larger than those of their tokenizers: rounded up to a multiple that suits
/// processors. The weights of the tokens that do not exist are left out.
/// </summary>
internal static class PaddedVocabulary
{
    // Models pad to multiples of 8 to 256 tokens, Qwen's by some hundreds for tokens to come.
    private const int Multiple = 8, Most = 1024;

    /// <summary>Checks that a tokenizer belongs to a model.</summary>
    /// <param name="config">The model's config.json.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="where">The file or folder to name in errors.</param>
    /// <param name="hint">What to do otherwise.</param>
    /// <exception cref="AtelierException">The vocabularies have different sizes, and the model's is not padded.
    /// </exception>
    public static void Check(ConfigFile config, Tokenizer tokenizer, string where, string hint)
    {
        int more = config.VocabularySize - tokenizer.VocabularySize;
        bool isPadded = more is > 0 and < Most && config.VocabularySize % Multiple == 0;
        if (more != 0 && !isPadded)
        {
            throw new AtelierException(
                $"the model has {config.VocabularySize} tokens, but the tokenizer has {tokenizer.VocabularySize}",
                where, hint);
        }
    }
}
