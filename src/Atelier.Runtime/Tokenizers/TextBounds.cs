namespace Atelier.Tokenizers;

/// <summary>How a model's texts begin and end.</summary>
/// <param name="StartId">The token that a text begins after.</param>
/// <param name="EndIds">The end tokens, each of which ends a text.</param>
/// <param name="StartsPrompts">
/// Whether the start token stands before a prompt too; a text without a prompt always begins after it.
/// </param>
public sealed record TextBounds(int StartId, IReadOnlyList<int> EndIds, bool StartsPrompts = true)
{
    /// <summary>Bounds whose end is the token between the tokenizer's documents, where it has one.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="startId">The token that a text begins after.</param>
    public static TextBounds Of(Tokenizer tokenizer, int startId) => new(startId, EndsOf(tokenizer));

    /// <summary>The tokens that generation continues from after a prompt.</summary>
    internal int[] Begin(int[] prompt) => StartsPrompts || prompt.Length == 0 ? [StartId, .. prompt] : prompt;

    /// <summary>The token between the tokenizer's documents; none where it has none.</summary>
    internal static IReadOnlyList<int> EndsOf(Tokenizer tokenizer) => tokenizer.EndOfTextId is int end ? [end] : [];

    /// <summary>Gives the bounds back if the vocabulary has their tokens.</summary>
    /// <exception cref="AtelierException">It lacks one.</exception>
    internal TextBounds Check(Tokenizer tokenizer, string where)
    {
        foreach ((string key, int id) in EndIds.Select(id => ("eos_token_id", id)).Prepend(("bos_token_id", StartId)))
        {
            if (id < 0 || id >= tokenizer.VocabularySize)
                throw new AtelierException($"{key} {id} is not among the {tokenizer.VocabularySize} tokens", where,
                    "name a token that the tokenizer has");
        }
        return this;
    }
}
