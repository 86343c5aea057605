using Atelier.Tokenizers;

namespace Atelier.Data.Tagged;

/// <summary>A part of a sentence as the tokens of an encoder.</summary>
/// <param name="Tokens">The tokens, including special tokens.</param>
/// <param name="Places">For each word of the part, the position of its first token.</param>
internal sealed record WordTokens(int[] Tokens, int[] Places)
{
    /// <summary>
    /// Encodes a sentence word by word. A sentence that is longer than a sequence of the model is divided between
    /// words, and of a single word that is longer, the first tokens are kept.
    /// </summary>
    /// <param name="words">The words of the sentence.</param>
    /// <param name="tokenizer">The tokenizer. A space precedes each word but the first, unless the tokenizer treats
    /// the beginning of a text as if one did.</param>
    /// <param name="tokens">The special tokens, which surround each part.</param>
    /// <param name="longest">The largest number of tokens of a part, special tokens included; more than these.</param>
    /// <exception cref="AtelierException">A word has a character that the vocabulary cannot encode.</exception>
    public static IEnumerable<WordTokens> Of(IReadOnlyList<string> words, Tokenizer tokenizer, MaskedTokens tokens,
        int longest)
    {
        int room = longest - tokens.AddedCount;
        List<int> ids = [], places = [];
        var word = new List<int>();
        for (int i = 0; i < words.Count; i++)
        {
            word.Clear();
            tokenizer.Encode(i == 0 || tokenizer.BeginsWithSpace ? words[i] : ' ' + words[i], word);
            if (word.Count == 0) // such as a word of control characters, which normalisation removes
                word.Add(tokenizer.Special.Unknown ?? tokens.PadId);
            if (word.Count > room)
                word.RemoveRange(room, word.Count - room);
            if (ids.Count + word.Count > room)
            {
                yield return Part();
                (ids, places) = ([], []);
            }
            places.Add(ids.Count + tokens.LeadingCount);
            ids.AddRange(word);
        }
        if (places.Count > 0)
            yield return Part();

        WordTokens Part() => new(tokens.Surround([.. ids]), [.. places]);
    }
}
