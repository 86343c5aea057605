namespace Atelier.Tokenizers;

/// <summary>The tokens with which a model's texts begin and end.</summary>
/// <param name="StartId">The start token, which precedes every text.</param>
/// <param name="EndIds">The end tokens, each of which ends a text.</param>
/// <param name="StartsPrompts"> Whether the start token also precedes a prompt. It always precedes a text without a
/// prompt. </param>
public sealed record TextBounds(int StartId, IReadOnlyList<int> EndIds, bool StartsPrompts = true)
{
    /// <summary>Creates bounds that end with the tokenizer's end-of-text token, if it has one.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="startId">The start token.</param>
    public static TextBounds Of(Tokenizer tokenizer, int startId) => new(startId, EndsOf(tokenizer));

    /// <summary>Returns the tokens that generation continues from for a prompt.</summary>
    public int[] Begin(int[] prompt) => StartsPrompts || prompt.Length == 0 ? [StartId, .. prompt] : prompt;

    /// <summary>Returns the tokenizer's end-of-text token; empty if it has none.</summary>
    internal static IReadOnlyList<int> EndsOf(Tokenizer tokenizer) => tokenizer.EndOfTextId is int end ? [end] : [];

    /// <summary>Returns these bounds if the vocabulary has their tokens.</summary>
    /// <exception cref="AtelierException">The vocabulary lacks one of the tokens.</exception>
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
