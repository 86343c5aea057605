using System.Buffers;
using System.Globalization;
using System.Text;
using Atelier.Tokenizers;

namespace Atelier.Data.Text;

/// <summary>The units in which tokens are masked together.</summary>
public enum MaskingUnit
{
    /// <summary>Single tokens (Devlin et al. 2019, section 3.1).</summary>
    Token,

    /// <summary>
    /// Whole words, with all their tokens. In Chinese and Japanese text, each character is a word.
    /// </summary>
    WholeWord,

    /// <summary>
    /// Spans of whole words, on average 3.8 and at most 10, which are all masked, all replaced or all kept (Joshi et
    /// al. 2020, section 3.1).
    /// </summary>
    Span,
}

/// <summary>
/// Chooses the tokens of a row that a masked language model learns to predict. Of them, 80 % are replaced by the mask
/// token, 10 % by random tokens, and 10 % are kept (Devlin et al. 2019, section 3.1). Special tokens are never chosen.
/// Immutable and safe for concurrent use.
/// </summary>
public sealed class TokenMasker
{
    private const double Masked = 0.8, Replaced = 0.1;
    private const double Stop = 0.2; // the probability that a span ends after a word
    private const int LongestSpan = 10; // words
    private const int SpansPerToken = 4; // draws before a row is left with fewer tokens than its share

    private readonly MaskingUnit _unit;
    private readonly double _share;
    private readonly int _maskId;
    private readonly int[] _ordinary; // the tokens that are not special
    private readonly bool[] _isOrdinary, _joinsLeft, _joinsRight; // [vocabulary]; may continue, or be continued

    /// <summary>Creates a masker.</summary>
    /// <param name="tokenizer">The tokenizer of the text.</param>
    /// <param name="maskId">The mask token; may be outside the tokenizer's vocabulary.</param>
    /// <param name="unit">The unit in which tokens are masked.</param>
    /// <param name="share">The share of tokens to choose, 0 to 1.</param>
    public TokenMasker(Tokenizer tokenizer, int maskId, MaskingUnit unit, double share)
    {
        (_unit, _share, _maskId) = (unit, share, maskId);
        _ordinary = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(id => !tokenizer.Bytes(id).IsEmpty)];
        (_isOrdinary, _joinsLeft, _joinsRight) = (new bool[tokenizer.VocabularySize],
            new bool[tokenizer.VocabularySize], new bool[tokenizer.VocabularySize]);
        // WordPiece says itself which tokens continue a word.
        bool marks = tokenizer.Kind == "wordpiece";
        foreach (int id in _ordinary)
        {
            ReadOnlySpan<byte> bytes = tokenizer.Bytes(id);
            _isOrdinary[id] = true;
            _joinsLeft[id] =
                marks ? tokenizer.Name(id).StartsWith("##", StringComparison.Ordinal) : JoinsLeft(bytes);
            _joinsRight[id] = marks || JoinsRight(bytes);
        }
    }

    /// <summary>Masks a row.</summary>
    /// <param name="tokens">The tokens, which are replaced in place.</param>
    /// <param name="targets">Set to the original token at each chosen position, and to
    /// <see cref="TextBatch.NotCounted"/> elsewhere.</param>
    /// <param name="random">Draws the positions and the replacements.</param>
    public void Apply(Span<long> tokens, Span<long> targets, ref SplitMix64 random)
    {
        targets.Fill(TextBatch.NotCounted);
        List<Range> units = Units(tokens);
        int candidates = 0;
        foreach (Range unit in units)
            candidates += Length(unit);
        if (candidates == 0)
            return;
        int budget = Math.Max(1, (int)((_share * candidates) + random.NextDouble()));
        if (_unit == MaskingUnit.Span)
            ChooseSpans(tokens, targets, units, budget, ref random);
        else
            ChooseUnits(tokens, targets, units, budget, ref random);
    }

    /// <summary>Draws the length of a span in words: a geometric distribution of at most 10.</summary>
    internal static int SpanLength(ref SplitMix64 random)
    {
        double below = random.NextDouble() * (1 - Math.Pow(1 - Stop, LongestSpan));
        return 1 + (int)(Math.Log(1 - below) / Math.Log(1 - Stop));
    }

    /// <summary>Returns the tokens or words of a row that may be chosen, in order.</summary>
    internal List<Range> Units(ReadOnlySpan<long> tokens)
    {
        var units = new List<Range>();
        for (int t = 0; t < tokens.Length; t++)
        {
            if (!_isOrdinary[tokens[t]])
                continue;
            bool continues = _unit != MaskingUnit.Token && units.Count > 0 && units[^1].End.Value == t
                && _joinsLeft[tokens[t]] && _joinsRight[tokens[t - 1]];
            if (continues)
                units[^1] = units[^1].Start..(t + 1);
            else
                units.Add(t..(t + 1));
        }
        return units;
    }

    private void ChooseUnits(Span<long> tokens, Span<long> targets, List<Range> units, int budget,
        ref SplitMix64 random)
    {
        int chosen = 0;
        for (int left = units.Count; left > 0 && chosen < budget; left--)
        {
            int drawn = (int)random.Next(left);
            Range unit = units[drawn];
            units[drawn] = units[left - 1];
            // a word that is too long for what is left is passed over; a row without shorter ones takes it all the same
            if (chosen + Length(unit) > budget && !(chosen == 0 && left == 1))
                continue;
            for (int t = unit.Start.Value; t < unit.End.Value; t++)
                Choose(tokens, targets, t, random.NextDouble(), ref random);
            chosen += Length(unit);
        }
    }

    private void ChooseSpans(Span<long> tokens, Span<long> targets, List<Range> words, int budget,
        ref SplitMix64 random)
    {
        int chosen = 0;
        for (int draw = 0; draw < SpansPerToken * tokens.Length && chosen < budget; draw++)
        {
            int length = SpanLength(ref random), first = (int)random.Next(words.Count);
            double action = random.NextDouble(); // of the whole span
            for (int word = first; word < Math.Min(first + length, words.Count); word++)
            {
                Range range = words[word];
                bool follows = word == first || words[word - 1].End.Value == range.Start.Value;
                if (!follows || targets[range.Start] != TextBatch.NotCounted
                    || (chosen > 0 && chosen + Length(range) > budget))
                    break;
                for (int t = range.Start.Value; t < range.End.Value; t++)
                    Choose(tokens, targets, t, action, ref random);
                chosen += Length(range);
            }
        }
    }

    private void Choose(Span<long> tokens, Span<long> targets, int at, double action, ref SplitMix64 random)
    {
        targets[at] = tokens[at];
        if (action < Masked)
            tokens[at] = _maskId;
        else if (action < Masked + Replaced)
            tokens[at] = _ordinary[random.Next(_ordinary.Length)];
    }

    private static int Length(Range unit) => unit.End.Value - unit.Start.Value;

    private static bool JoinsLeft(ReadOnlySpan<byte> bytes) =>
        (bytes[0] & 0xC0) == 0x80 // within a character
        || (Rune.DecodeFromUtf8(bytes, out Rune first, out _) == OperationStatus.Done && IsInWord(first));

    // A token that ends within a character goes on in the next one.
    private static bool JoinsRight(ReadOnlySpan<byte> bytes) =>
        Rune.DecodeLastFromUtf8(bytes, out Rune last, out _) != OperationStatus.Done || IsInWord(last);

    private static bool IsInWord(Rune rune)
    {
        bool isIdeograph = rune.Value is (>= 0x2E80 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF) or >= 0x20000;
        return !isIdeograph && (Rune.IsLetterOrDigit(rune)
            || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark);
    }
}
