namespace Atelier.Tokenizers;

/// <summary>A place in the template of a post-processor.</summary>
/// <param name="Token">The special token; null for a text.</param>
/// <param name="IsSecond">Whether the text is the second one of a pair.</param>
/// <param name="TypeId">The segment of the tokens.</param>
internal sealed record FramePart(int? Token, bool IsSecond, int TypeId);

/// <summary>How a text that is too long is shortened.</summary>
/// <param name="MaxLength">The greatest number of tokens, including the special ones.</param>
/// <param name="Strategy">What is shortened: "LongestFirst", "OnlyFirst" or "OnlySecond".</param>
/// <param name="Direction">The side on which tokens are removed: "Right" or "Left".</param>
internal sealed record TextTruncation(int MaxLength, string Strategy = "LongestFirst", string Direction = "Right");

/// <summary>The post-processor and the truncation of a tokenizer.json: what becomes of the tokens of a text.</summary>
internal sealed record TextFrame
{
    private static readonly FramePart First = new(null, false, 0), Second = new(null, true, 1);

    /// <summary>A frame without special tokens and truncation.</summary>
    public static readonly TextFrame None = new();

    /// <summary>The template of a text.</summary>
    public IReadOnlyList<FramePart> Single { get; init; } = [First];

    /// <summary>The template of a pair; empty if the file has none.</summary>
    public IReadOnlyList<FramePart> Pair { get; init; } = [First, Second];

    /// <summary>Whether the file has a template, which may be one without special tokens.</summary>
    public bool HasTemplate { get; init; }

    /// <summary>The truncation; null for none.</summary>
    public TextTruncation? Truncation { get; init; }

    /// <summary>The special tokens, as they are found in text that names them.</summary>
    public IReadOnlyList<AddedToken> Specials { get; init; } = [];

    /// <summary>Returns BERT's template: a token before the text and one after each text.</summary>
    public TextFrame Around(int begin, int end) => this with
    {
        Single = [new(begin, false, 0), First, new(end, false, 0)],
        Pair = [new(begin, false, 0), First, new(end, false, 0), Second, new(end, false, 1)],
        HasTemplate = true,
    };

    /// <summary>Returns T5's template: a token after each text.</summary>
    public TextFrame Before(int end) => this with
    {
        Single = [First, new(end, false, 0)],
        Pair = [First, new(end, false, 0), Second with { TypeId = 0 }, new(end, false, 0)],
        HasTemplate = true,
    };

    /// <summary>Shortens the tokens of one or two texts and inserts the special tokens.</summary>
    public EncodedText Apply(List<int> first, List<int>? second, int? maxLength)
    {
        IReadOnlyList<FramePart> parts = second is null ? Single : Pair;
        if (parts.Count == 0)
            throw new AtelierException("the tokenizer has no template for a pair of texts",
                hint: "encode one text, or use a tokenizer whose post_processor has a pair");
        TextTruncation? truncation = maxLength is int most
            ? (Truncation ?? new TextTruncation(most)) with { MaxLength = most }
            : Truncation;
        if (truncation is not null)
            Shorten(truncation, first, second, parts.Count(part => part.Token is not null));
        List<int> ids = [], types = [];
        foreach (FramePart part in parts)
        {
            if (part.Token is int token)
                ids.Add(token);
            else
                ids.AddRange(part.IsSecond ? second! : first);
            types.AddRange(Enumerable.Repeat(part.TypeId, ids.Count - types.Count));
        }
        return new EncodedText(ids, types);
    }

    private static void Shorten(TextTruncation truncation, List<int> first, List<int>? second, int specials)
    {
        int most = truncation.MaxLength - specials, total = first.Count + (second?.Count ?? 0);
        if (most < 0)
            throw new AtelierException(
                $"at most {truncation.MaxLength} tokens leave no room for text besides {specials} special tokens",
                hint: "allow more tokens");
        if (total <= most)
            return;
        bool isLeft = truncation.Direction == "Left";
        if (truncation.Strategy == "LongestFirst")
        {
            (int ofFirst, int ofSecond) = second is null ? (most, 0) : LongestFirst(first.Count, second.Count, most);
            Keep(first, ofFirst, isLeft);
            if (second is not null)
                Keep(second, ofSecond, isLeft);
            return;
        }
        List<int>? target = truncation.Strategy == "OnlyFirst" ? first : second;
        if (target is null || target.Count <= total - most)
            throw new AtelierException($"a text of {total} tokens cannot be shortened to {most} by its "
                + $"{(truncation.Strategy == "OnlyFirst" ? "first" : "second")} part alone",
                hint: "shorten the text, or use a tokenizer with another truncation strategy");
        Keep(target, target.Count - (total - most), isLeft);
    }

    /// <summary>Returns the lengths of two texts that are shortened together, as Hugging Face's tokenizers.</summary>
    private static (int First, int Second) LongestFirst(int first, int second, int most)
    {
        int less = Math.Min(first, second);
        int more = less > most ? less : Math.Max(less, most - less);
        if (less + more > most)
            (less, more) = (most / 2, most / 2 + most % 2);
        return first > second ? (more, less) : (less, more);
    }

    private static void Keep(List<int> ids, int count, bool isLeft)
    {
        if (count < ids.Count)
            ids.RemoveRange(isLeft ? 0 : count, ids.Count - count);
    }
}
