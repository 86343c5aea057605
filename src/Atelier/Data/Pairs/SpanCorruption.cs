namespace Atelier.Data.Pairs;

/// <summary>
/// Span corruption, the objective with which T5 learns from text (Raffel et al. 2020, section 3.1.4): spans of tokens
/// are removed, each is replaced in the source by a sentinel token, and the target is the removed spans, each after its
/// sentinel, and one more sentinel at the end. Immutable and safe for concurrent use.
/// </summary>
public sealed class SpanCorruption
{
    private readonly int[] _sentinels;
    private readonly double _share, _meanLength;

    /// <summary>Creates the objective.</summary>
    /// <param name="sentinels">The sentinel tokens, in the order of their use; at least 2.</param>
    /// <param name="share">The share of tokens to remove, above 0 and below 1; 0.15 in T5.</param>
    /// <param name="meanLength">The mean number of tokens of a removed span, at least 1; 3 in T5.</param>
    public SpanCorruption(IReadOnlyList<int> sentinels, double share, double meanLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sentinels.Count, 2, nameof(sentinels));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(share, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(meanLength, 1);
        (_sentinels, _share, _meanLength) = ([.. sentinels], share, meanLength);
    }

    /// <summary>Returns the number of removed tokens and of spans in a text.</summary>
    /// <param name="length">The number of tokens of the text, at least 1.</param>
    /// <returns>The rounded share of the tokens, at least 1, in spans of about the mean length; fewer and longer spans
    /// if there are not enough sentinels.</returns>
    public (int Removed, int Spans) Counts(int length)
    {
        int removed = Math.Clamp((int)Math.Round(length * _share), 1, Math.Max(1, length - 1));
        int spans = Math.Clamp((int)Math.Round(removed / _meanLength), 1, removed);
        // at least one token is between two spans
        return (removed, Math.Min(Math.Min(spans, length - removed + 1), _sentinels.Length - 1));
    }

    /// <summary>
    /// Returns the number of tokens of the longest text whose source and target, each with an end token, have at most
    /// <paramref name="context"/> tokens.
    /// </summary>
    /// <param name="context">The largest number of tokens of a source, and of a target; at least 4.</param>
    public int LongestText(int context)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(context, 4);
        int length = 1;
        while (Fits(length + 1))
            length++;
        return length;

        bool Fits(int text)
        {
            (int removed, int spans) = Counts(text);
            return Math.Max(text - removed + spans, removed + spans + 1) + 1 <= context;
        }
    }

    /// <summary>Corrupts a text. All ways to remove as many tokens in as many spans are equally probable.</summary>
    /// <param name="tokens">The tokens of the text, at least one.</param>
    /// <param name="random">Draws the spans.</param>
    /// <returns>The source and the target, without start and end tokens.</returns>
    public (int[] Source, int[] Target) Apply(ReadOnlySpan<int> tokens, ref SplitMix64 random)
    {
        (int removed, int spans) = Counts(tokens.Length);
        int[] lengths = Divide(removed, spans, ref random);
        // of the stretches before, between and after the spans, the first and the last may be empty
        int[] kept = Divide(tokens.Length - removed + 2, spans + 1, ref random);
        kept[0]--;
        List<int> source = [], target = [];
        for (int span = 0, at = 0; span < spans; span++)
        {
            source.AddRange(tokens.Slice(at, kept[span]));
            source.Add(_sentinels[span]);
            target.Add(_sentinels[span]);
            target.AddRange(tokens.Slice(at + kept[span], lengths[span]));
            at += kept[span] + lengths[span];
        }
        source.AddRange(tokens[^(kept[^1] - 1)..]);
        target.Add(_sentinels[spans]);
        return ([.. source], [.. target]);
    }

    /// <summary>Divides a number of tokens into parts of at least one. All divisions are equally probable.</summary>
    private static int[] Divide(int tokens, int parts, ref SplitMix64 random)
    {
        // the ends of all parts but the last: a random choice of parts − 1 out of tokens − 1 places
        int[] lengths = new int[parts];
        int found = 0, last = 0;
        for (int place = 1; found < parts - 1; place++)
        {
            if (random.Next(tokens - place) < parts - 1 - found)
                (lengths[found++], last) = (place - last, place);
        }
        lengths[^1] = tokens - last;
        return lengths;
    }
}
