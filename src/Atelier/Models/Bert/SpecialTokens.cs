using Atelier.Tokenizers;

namespace Atelier.Models.Bert;

/// <summary>Finds special tokens by the names that the tokenizers of BERT and RoBERTa give them.</summary>
internal static class SpecialTokens
{
    /// <summary>Returns the special tokens of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="otherwise">The tokens to return where the tokenizer has none.</param>
    public static MaskedTokens Of(Tokenizer tokenizer, MaskedTokens otherwise)
    {
        var specials = new Dictionary<string, int>();
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (tokenizer.Bytes(id).IsEmpty)
                specials.TryAdd(tokenizer.Name(id), id);
        }
        MaskedTokens found = Find("[MASK]", "<mask>") is { } mask ? new(mask, tokenizer.Name(mask)) : otherwise;
        return found with
        {
            BeginId = Find("[CLS]", "<s>") ?? otherwise.BeginId,
            EndId = Find("[SEP]", "</s>") ?? otherwise.EndId,
            PadId = Find("[PAD]", "<pad>") ?? otherwise.PadId,
        };

        int? Find(string ofBert, string ofRoberta) => specials.TryGetValue(ofBert, out int id)
            || specials.TryGetValue(ofRoberta, out id) ? id : null;
    }
}
