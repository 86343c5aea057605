namespace Atelier.Tokenizers;

/// <summary>The special tokens of a masked language model.</summary>
/// <param name="MaskId">The token that stands for a masked one; null if the vocabulary has none, and then nothing can
/// be filled in.</param>
/// <param name="MaskText">The text that stands for the mask token in texts.</param>
public sealed record MaskedTokens(int? MaskId, string MaskText = MaskedTokens.UsualText)
{
    /// <summary>The text of a mask for vocabularies without a mask token.</summary>
    public const string UsualText = "[MASK]";

    /// <summary>The token before a text, such as [CLS]; null for none.</summary>
    public int? BeginId { get; init; }

    /// <summary>The token after a text, such as [SEP]; null for none.</summary>
    public int? EndId { get; init; }

    /// <summary>The token that fills up short sequences, to which the model does not attend.</summary>
    public int PadId { get; init; }

    /// <summary>The number of special tokens around a text.</summary>
    public int AddedCount => (BeginId is null ? 0 : 1) + (EndId is null ? 0 : 1);

    /// <summary>The number of special tokens before a text.</summary>
    public int LeadingCount => BeginId is null ? 0 : 1;

    /// <summary>Returns the special tokens of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="otherwise">The tokens to return where the tokenizer has none.</param>
    public static MaskedTokens Of(Tokenizer tokenizer, MaskedTokens otherwise)
    {
        SpecialTokens own = tokenizer.Special;
        return new MaskedTokens(own.Mask ?? otherwise.MaskId, own.Mask is { } mask ? tokenizer.Name(mask) : UsualText)
        {
            BeginId = own.Begin ?? otherwise.BeginId,
            EndId = own.End ?? otherwise.EndId,
            PadId = own.Pad ?? otherwise.PadId,
        };
    }

    /// <summary>Returns the tokens of a text between the special tokens.</summary>
    /// <param name="tokens">The tokens of the text.</param>
    public int[] Surround(ReadOnlySpan<int> tokens)
    {
        int[] whole = new int[tokens.Length + AddedCount];
        tokens.CopyTo(whole.AsSpan(LeadingCount));
        if (BeginId is { } begin)
            whole[0] = begin;
        if (EndId is { } end)
            whole[^1] = end;
        return whole;
    }

    /// <summary>Returns the tokens of a text between the special tokens. Longer texts are cut at their end.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="text">The text.</param>
    /// <param name="longest">The largest number of tokens, special tokens included.</param>
    public int[] Encode(Tokenizer tokenizer, string text, int longest)
    {
        int[] ids = tokenizer.Encode(text);
        return Surround(ids.AsSpan(0, Math.Min(ids.Length, longest - AddedCount)));
    }

    /// <summary>Throws if a vocabulary lacks one of the tokens.</summary>
    /// <param name="vocabularySize">The number of token ids.</param>
    /// <param name="where">The file that names the tokens, for the error message.</param>
    /// <exception cref="AtelierException">The vocabulary lacks one of the tokens.</exception>
    public MaskedTokens Check(int vocabularySize, string where)
    {
        foreach ((string name, int? id) in ((string, int?)[])
            [("mask", MaskId), ("first", BeginId), ("last", EndId), ("padding", PadId)])
        {
            if (id < 0 || id >= vocabularySize)
                throw new AtelierException($"the {name} token {id} is not among the {vocabularySize} tokens", where,
                    "use files of the same model");
        }
        return this;
    }
}
